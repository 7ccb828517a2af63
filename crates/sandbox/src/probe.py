# Attempts to get out. For each attempt one line: "held NAME" or "LEAK NAME DETAIL".
import os
import sys

port, canary, folder, processes, allowed = sys.stdin.read().split("\n")[:5]


def attempt(name, action):
    try:
        got = action()
    except BaseException:
        print("held", name)
    else:
        print("LEAK", name, ascii(got)[:200])


def connect(host, port, family="AF_INET"):
    import socket

    with socket.socket(getattr(socket, family), socket.SOCK_STREAM) as client:
        client.settimeout(2)
        client.connect((host, port))
        return "connected"


def sockets():
    import socket

    return socket.socket(socket.AF_UNIX)


def resolve():
    import socket

    return socket.getaddrinfo("example.com", 80)


def write(path):
    with open(path, "w") as file:
        file.write("escaped")
    os.remove(path)
    return path


def environment():
    extra = sorted(set(os.environ) - set(allowed.split(" ")))
    # The interpreter itself may add this one.
    extra = [name for name in extra if name != "LC_CTYPE"]
    if not extra:
        raise KeyError
    return extra


def forks():
    children = []
    try:
        for _ in range(4 * int(processes)):
            child = os.fork()
            if child == 0:
                while True:
                    os.read(pipe[0], 1)
            children.append(child)
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)
    return "%d processes" % len(children)


def signal_parent():
    os.kill(os.getppid(), 9)
    # Still here, so process 1 is: it takes all others with it.
    raise PermissionError


def see_processes():
    return [name for name in os.listdir("/proc") if name.isdigit()]


def link():
    os.symlink(canary, "/tmp/link")
    with open("/tmp/link") as file:
        return file.read()


def descriptors():
    extra = []
    for number in range(3, 64):
        if number in pipe:
            continue
        try:
            os.fstat(number)
        except OSError:
            continue
        extra.append(number)
    if not extra:
        raise OSError
    return extra


pipe = os.pipe()
attempt("descriptors", descriptors)
attempt("canary", lambda: open(canary).read())
attempt("symlink", link)
attempt("passwd", lambda: open("/etc/passwd").read())
attempt("shadow", lambda: open("/etc/shadow").read())
attempt("proc", see_processes)
attempt("sys", lambda: os.listdir("/sys/class"))
attempt("home", lambda: os.listdir("/home"))
attempt("write-folder", lambda: write(os.path.join(folder, "escaped")))
attempt("write-root", lambda: write("/escaped"))
attempt("write-library", lambda: write(os.path.join(os.path.dirname(os.__file__), "escaped")))
attempt("write-program", lambda: open(sys.argv[0], "a"))
attempt("network-local", lambda: connect("127.0.0.1", int(port)))
attempt("network-outside", lambda: connect("1.1.1.1", 53))
attempt("network-6", lambda: connect("::1", int(port), "AF_INET6"))
attempt("network-names", resolve)
attempt("sockets", sockets)
attempt("environment", environment)
attempt("root", lambda: os.setuid(0))
attempt("chroot", lambda: os.chroot("/tmp"))
attempt("device", lambda: os.mknod("/tmp/device", 0o60600, os.makedev(254, 0)))
attempt("signal-parent", signal_parent)
attempt("forks", forks)
print("end")
