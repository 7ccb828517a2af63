# Stands before every program, instead of Python's own `site`: that would execute what is installed
# on this machine (`.pth` files) for each run, which takes longer than most programs.
def start():
    import builtins
    import sys

    def leave(code=None):
        raise SystemExit(code)

    # Where packages are, then nothing but the program as it would find itself.
    sys.path.extend(sys.argv[1:])
    path = "/box/program.py"
    sys.argv[:] = [path]
    builtins.exit = builtins.quit = leave
    space = globals()
    del space["start"]
    space["__file__"] = path
    with open(path, "rb") as file:
        source = file.read()
    exec(compile(source, path, "exec", dont_inherit=True), space)


start()
