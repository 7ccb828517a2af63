# Runs an answer against tests in one process. The job comes as JSON on stdin; verdicts go to
# stdout, one line each: KEY KIND INDEX REASON, where the key is not known to the answer and the
# reason is UTF-8 in hexadecimal. Python's own `json` would take as long to import as the rest.
import os
import sys


def run():
    # JSON of strings is Python, but for null.
    job = eval(sys.stdin.buffer.read().decode(), {"null": None})
    # Taken now: the answer may replace what it finds.
    write, leave, flush = os.write, os._exit, sys.stdout.flush
    key, tests, build = job["key"], job["tests"], compile
    # An answer may also close its stdout.
    out = os.dup(1)

    def say(kind, index, reason=""):
        # A line of its own, wherever the answer's output has stopped.
        reason = reason.encode("utf-8", "backslashreplace").hex()
        line = ("\n%s %s %d %s\n" % (key, kind, index, reason)).encode()
        while line:
            line = line[write(out, line):]

    def describe(error, source):
        try:
            text = "%s: %s" % (type(error).__name__, error)
        except BaseException:
            text = type(error).__name__
        text = text.rstrip(": ")[:500]
        line, trace = None, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == "<test>":
                line = trace.tb_lineno
            trace = trace.tb_next
        # Not `splitlines`, which also splits where Python does not.
        lines = source.split("\n")
        if line is not None and len(lines) > 1 and 0 < line <= len(lines):
            text += " in `%s`" % lines[line - 1].strip()[:200]
        return text

    def attempt(source, name, action):
        try:
            action()
        except BaseException as error:
            return describe(error, source)
        return None

    # A module of its own, which is not `__main__`: demonstrations under that name do not run.
    module = type(sys)("answer")
    sys.modules["answer"] = module
    space = module.__dict__

    def load():
        exec(build(job["code"], "<answer>", "exec"), space)

    reason = attempt("", "answer", load)
    if reason is not None:
        say("load", 0, reason)
        leave(0)
    for index, source in enumerate(tests):

        def test():
            exec(build(source, "<test>", "exec"), space)
            if job["entry"] is not None:
                space["check"](space[job["entry"]])

        say("begin", index)
        reason = attempt(source, "test", test)
        if reason is None:
            say("pass", index)
        else:
            say("fail", index, reason)
    attempt("", "flush", flush)
    say("end", 0)
    # Whatever the answer registered for the end of the program, or runs in threads, is not wanted.
    leave(0)


run()
