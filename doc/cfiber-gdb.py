# cfiber-gdb.py: fibers in gdb, in a process or a core
#
#   (gdb) source cfiber-gdb.py
#   (gdb) cfiber list       the fibers of each universe, and where they stand
#   (gdb) cfiber bt [N]     the C stack of fiber N of that list, or of all
#
# cfiber.so must have its debugging symbols: 'make' builds it so, LuaRocks with
# CFLAGS="-O2 -fPIC -g". The cores that the kernel writes are whole; gdb's
# 'gcore' leaves out mappings with guards in them.

import gdb
from gdb.unwinder import Unwinder

STATES = ("running", "suspended", "exited", "escaped", "finished")


class FrameId:
    """What tells a frame from others: see gdb's manual, "Unwinding Frames"."""

    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class ContextUnwinder(Unwinder):
    """Shows the stack of a saved context as the caller of the newest frame."""

    def __init__(self):
        super().__init__("cfiber")
        self.enabled = False

    def __call__(self, pending):
        sp = pending.read_register("sp")
        pc = pending.read_register("pc")
        if (int(sp), int(pc)) != self.newest:
            return None
        # gdb wants callers to stand higher: this frame, on another stack, is
        # said to stand where that stack ends, at the first of the registers
        end = next(iter(self.registers.values()))
        info = pending.create_unwind_info(FrameId(gdb.Value(end).cast(sp.type), pc))
        for name, value in self.registers.items():
            kind = pending.read_register(name).type
            info.add_saved_register(name, gdb.Value(value).cast(kind))
        return info

    def backtrace(self, registers):
        """The text of the stack with these registers."""
        newest = gdb.newest_frame()
        shown = {"#0"}  # of it; functions that are inlined have a frame each
        while newest.type() == gdb.INLINE_FRAME:
            newest = newest.older()
            shown.add("#%d" % len(shown))
        self.newest = (int(newest.read_register("sp")), int(newest.read_register("pc")))
        self.registers = registers
        self.enabled = True
        gdb.invalidate_cached_frames()
        try:
            text = gdb.execute("backtrace", to_string=True)
        finally:
            self.enabled = False
            gdb.invalidate_cached_frames()
        return [line for line in text.splitlines() if line.split(" ")[0] not in shown]


unwinder = ContextUnwinder()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)


def is64(value):
    return int(value) & 0xFFFFFFFFFFFFFFFF


def ucontext_registers(machine):
    """The same of an mcontext_t; strict C prefixes its fields."""
    fields = {field.name.lstrip("_"): machine[field] for field in machine.type.strip_typedefs().fields()}
    if "gregs" in fields:  # numbers in <sys/ucontext.h>
        gregs = fields["gregs"]
        number = gregs.type.sizeof // gregs.type.strip_typedefs().target().sizeof
        if "psw" in fields:  # s390x; swapcontext returns by r14
            return {"r15": is64(gregs[15]), "r11": is64(gregs[11]), "r12": is64(gregs[12]),
                    "r13": is64(gregs[13]), "pc": is64(gregs[14])}
        if "mdhi" in fields:  # MIPS
            return {"sp": is64(gregs[29]), "s8": is64(gregs[30]), "gp": is64(gregs[28]), "pc": is64(fields["pc"])}
        if number == 32:  # RISC-V
            return {"sp": is64(gregs[2]), "fp": is64(gregs[8]), "pc": is64(gregs[0])}
        if number == 19:  # i386
            return {"esp": is64(gregs[7]), "ebp": is64(gregs[6]), "eip": is64(gregs[14])}
        return {"rsp": is64(gregs[15]), "rbp": is64(gregs[10]), "rip": is64(gregs[16])}
    if "gp_regs" in fields:  # POWER
        gprs = fields["gp_regs"]
        return {"r1": is64(gprs[1]), "r31": is64(gprs[31]), "r30": is64(gprs[30]),
                "r2": is64(gprs[2]), "pc": is64(gprs[32])}
    return {"sp": is64(fields["sp"]), "x29": is64(fields["regs"][29]), "pc": is64(fields["pc"])}


def stack_low(fiber):
    """The lowest address of a fiber's stack, above the guard."""
    stack = fiber["stack"]
    return is64(stack["base"]) + is64(stack["bytes"]) - is64(stack["size"])


def registers_of(context):
    """The registers of a struct context, the stack pointer first: see csrc/switch/."""
    fields = [field.name for field in context.type.strip_typedefs().fields()]
    if "saved" in fields:
        return ucontext_registers(context["saved"]["machine"]["uc_mcontext"])
    if "message" in fields:  # i386
        return {"esp": is64(context["sp"]), "ebp": is64(context["fp"]), "eip": is64(context["ip"])}
    if "r7" in fields:  # ARM; the address of Thumb code is odd
        return {"sp": is64(context["sp"]), "r7": is64(context["r7"]), "r11": is64(context["fp"]),
                "pc": is64(context["pc"]) & ~1}
    if "frm" in fields:  # RISC-V
        return {"sp": is64(context["sp"]), "fp": is64(context["fp"]), "pc": is64(context["pc"])}
    if "toc" in fields:  # POWER
        return {"r1": is64(context["sp"]), "r31": is64(context["fp"]), "r30": is64(context["pic"]),
                "r2": is64(context["toc"]), "pc": is64(context["pc"])}
    if "literal" in fields:  # s390x
        return {"r15": is64(context["sp"]), "r11": is64(context["fp"]), "r12": is64(context["got"]),
                "r13": is64(context["literal"]), "pc": is64(context["pc"])}
    if "ip" in fields:
        return {"rsp": is64(context["sp"]), "rbp": is64(context["fp"]), "rip": is64(context["ip"])}
    return {"sp": is64(context["sp"]), "x29": is64(context["fp"]), "pc": is64(context["pc"])}


class Place:
    """Where a Lua thread stands: on the running stack, if registers is None."""

    def __init__(self, thread, state, registers, fiber=None):
        self.thread = thread
        self.state = state
        self.registers = registers
        self.fiber = fiber

    def describe(self):
        text = "thread 0x%x  %-9s" % (is64(self.thread), self.state)
        if self.fiber is None:
            return text + "  on the stack of its OS thread"
        low = stack_low(self.fiber)
        return text + "  stack 0x%x to 0x%x  %s" % (low, is64(self.fiber), lua_place(self.fiber))


def running(universe):
    """The running fiber, its resumers, and who resumed the outermost: each
    stands where the one inside will return to."""
    places = []
    fiber = universe["running"]
    state, registers = "running", None
    while is64(fiber) != 0:
        places.append(Place(fiber["L"], state, registers, fiber))
        state, registers = "resuming", registers_of(fiber["context"])
        thread = fiber["from"]
        fiber = fiber["resumer"]
    if places:
        places.append(Place(thread, state, registers))
    return places


def suspended(universe):
    slots, fiber_type = universe["map"]["slots"], gdb.lookup_type("struct fiber").pointer()
    places = []
    for i in range(int(universe["map"]["capacity"])):
        if is64(slots[i]["key"]) != 0:
            fiber = slots[i]["value"].cast(fiber_type)
            if STATES[int(fiber["state"])] == "suspended":
                places += inside(fiber)
    return places


def inside(fiber):
    """A suspended fiber and what was suspended in it, the innermost first."""
    innermost = fiber["inner"] if is64(fiber["inner"]) != 0 else fiber
    places = []
    state, registers, inner = "suspended", registers_of(fiber["context"]), innermost
    while is64(inner) != is64(fiber):
        places.append(Place(inner["L"], state, registers, inner))
        state, registers = "carried", registers_of(inner["context"])
        inner = inner["resumer"]
    return places + [Place(fiber["L"], state, registers, fiber)]


def lua_place(fiber):
    """The line of Lua code that a fiber executes, where it can be had: Lua is
    asked, in a process, about a fiber that is not in the middle of something.
    A low page of its stack, which it hardly uses, holds the answer."""
    if STATES[int(fiber["state"])] != "suspended":
        return ""
    inferior = gdb.selected_inferior()
    buffer = stack_low(fiber) + 4096
    unwinds = gdb.parameter("unwindonsignal")
    try:
        debug = gdb.lookup_type("lua_Debug")
        before = inferior.read_memory(buffer, debug.sizeof + 8).tobytes()
        try:
            gdb.execute("set unwindonsignal on")
            inferior.write_memory(buffer + debug.sizeof, b"Sl\0")
            return ask(is64(fiber["L"]), buffer, debug)
        finally:
            inferior.write_memory(buffer, before)
            gdb.execute("set unwindonsignal " + ("on" if unwinds else "off"))
    except gdb.error:
        return ""


def ask(thread, buffer, debug):
    level = 0
    call = "((int (*) (void *, int, void *))lua_getstack)(%d, %d, %d)"
    while int(gdb.parse_and_eval(call % (thread, level, buffer))) == 1:
        gdb.parse_and_eval("((int (*) (void *, char *, void *))lua_getinfo)(%d, (char *)%d, %d)"
                           % (thread, buffer + debug.sizeof, buffer))
        record = gdb.Value(buffer).cast(debug.pointer()).dereference()
        if int(record["currentline"]) > 0:
            return "%s:%d" % (record["short_src"].string(), int(record["currentline"]))
        level += 1
    return ""


def universes():
    """Pointers to all universes: the list in csrc/overflow_posix.c."""
    try:
        universe = gdb.parse_and_eval("'overflow_posix.c'::universes")
    except gdb.error:
        raise gdb.GdbError("cfiber is not loaded, or has no debugging symbols (-g)")
    found = []
    while is64(universe) != 0:
        found.append(universe)
        universe = universe["next"]
    return found


def all_places():
    places = []
    for universe in universes():
        places += running(universe) + suspended(universe)
    return places


def show_stack(place):
    if place.registers is None:
        lines = gdb.execute("backtrace", to_string=True).splitlines()
    else:
        lines = unwinder.backtrace(place.registers)
    for line in lines:
        print(line)


class Fibers(gdb.Command):
    """Fibers of cfiber: 'cfiber list' and 'cfiber bt [N]'."""

    def __init__(self):
        super().__init__("cfiber", gdb.COMMAND_STACK, prefix=True)


class List(gdb.Command):
    """Lists the fibers: number, Lua thread, state, stack, Lua source line."""

    def __init__(self):
        super().__init__("cfiber list", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        for number, place in enumerate(all_places()):
            print("%3d  %s" % (number, place.describe()))


class Backtrace(gdb.Command):
    """Shows the C stack of fiber N of 'cfiber list', or of all fibers."""

    def __init__(self):
        super().__init__("cfiber bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        places = all_places()
        if argument and not (argument.isdigit() and int(argument) < len(places)):
            raise gdb.GdbError("there is no fiber '%s': see 'cfiber list'" % argument)
        for number, place in enumerate(places):
            if not argument or int(argument) == number:
                print("fiber %d: %s" % (number, place.describe()))
                show_stack(place)


Fibers()
List()
Backtrace()
