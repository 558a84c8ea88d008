"""What a researcher could try from inside a box. Each has a control that shows the target was there."""

from __future__ import annotations

import ast
import os
import socket
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from onggi.sandbox import Bind, Limits

pytestmark = pytest.mark.sandbox
RunInBox = Callable[..., tuple[int, str]]

TRY = """
import ctypes, errno, os, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(number, *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    return "open" if result >= 0 else errno.errorcode[ctypes.get_errno()]
def attempt(function):
    try:
        function()
        return "open"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
"""


def attempt(run_in_box: RunInBox, code: str, **fields: object) -> str:
    status, said = run_in_box(TRY + textwrap.dedent(code), **fields)
    assert status == 0, said
    return said.strip()


def test_no_tcp_service_of_the_host(run_in_box: RunInBox) -> None:
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.create_server((address, 0), family=family) as listener:
            port = listener.getsockname()[1]
            socket.create_connection((address, port), 1).close()
            said = attempt(
                run_in_box, f"print(attempt(lambda: socket.create_connection(({address!r}, {port}), 2)))"
            )
            assert said == "ECONNREFUSED"


def test_no_udp_to_the_host(run_in_box: RunInBox) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.5)
        port = listener.getsockname()[1]
        send = f"socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))"
        attempt(run_in_box, f"print(attempt(lambda: {send}))")
        with pytest.raises(TimeoutError):
            listener.recv(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            control.sendto(b"x", ("127.0.0.1", port))
        assert listener.recv(1) == b"x"


def test_no_route_and_no_names(run_in_box: RunInBox) -> None:
    code = """
        print(attempt(lambda: socket.create_connection(("192.0.2.1", 80), 2)))
        print(attempt(lambda: socket.create_connection(("2001:db8::1", 80), 2)))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        print(attempt(lambda: udp.sendto(b"x", ("192.0.2.1", 53))))
        try: socket.getaddrinfo("example.org", 80)
        except socket.gaierror: print("no name")
        print(sorted(name for _, name in socket.if_nameindex()))
    """
    assert attempt(run_in_box, code).splitlines() == [
        "ENETUNREACH", "ENETUNREACH", "ENETUNREACH", "no name", "['lo']",
    ]  # fmt: skip


def test_no_abstract_socket_of_the_host(run_in_box: RunInBox) -> None:
    name = f"onggi-redteam-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(f"\0{name}")
        connect = f"socket.socket(socket.AF_UNIX).connect('\\0{name}')"
        assert attempt(run_in_box, f"print(attempt(lambda: {connect}))") == "ECONNREFUSED"


def test_no_socket_of_the_host_by_path_not_even_by_a_link(run_in_box: RunInBox, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "host.sock"))
        listener.listen()
        (shared / "link").symlink_to(tmp_path / "host.sock")
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(shared / "link"))
        binds = (Bind(str(shared), "/project", writable=True),)
        code = "print(attempt(lambda: socket.socket(socket.AF_UNIX).connect('/project/link')))"
        assert attempt(run_in_box, code, binds=binds) == "ENOENT"


@pytest.mark.parametrize(
    ("family", "kind", "protocol"),
    [(40, 1, 0), (17, 3, 0), (38, 5, 0), (16, 3, 9), (16, 3, 15), (31, 3, 1), (44, 3, 0)],
    ids=["vsock", "packet", "alg", "netlink-audit", "netlink-uevent", "bluetooth", "xdp"],
)
def test_no_socket_of_another_family(run_in_box: RunInBox, family: int, kind: int, protocol: int) -> None:
    code = f"print(attempt(lambda: socket.socket({family}, {kind}, {protocol})))"
    assert attempt(run_in_box, code) == "EAFNOSUPPORT"


@pytest.mark.parametrize(("kind", "protocol"), [(3, 1), (3, 255), (2, 1), (1, 132), (1, 262)])
def test_no_raw_ping_sctp_or_mptcp(run_in_box: RunInBox, kind: int, protocol: int) -> None:
    code = f"print(attempt(lambda: socket.socket(2, {kind}, {protocol})))"
    assert attempt(run_in_box, code) == "EPERM"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ptrace", "call(101, 0, 0, 0, 0)"),
        ("process_vm_readv", "call(310, os.getpid(), None, 0, None, 0, 0)"),
        ("unshare user", "call(272, 0x10000000)"),
        ("unshare net", "call(272, 0x40000000)"),
        ("setns", "call(308, 0, 0)"),
        ("clone new user", "call(56, 0x10000011, 0, 0, 0, 0)"),
        ("mount", "call(165, b'none', b'/tmp', b'tmpfs', 0, None)"),
        ("umount", "call(166, b'/tmp', 0)"),
        ("pivot_root", "call(155, b'/', b'/tmp')"),
        ("chroot", "call(161, b'/tmp')"),
        ("bpf", "call(321, 0, None, 0)"),
        ("perf", "call(298, None, 0, -1, -1, 0)"),
        ("userfaultfd", "call(323, 0)"),
        ("io_uring", "call(425, 1, None)"),
        ("keyctl", "call(250, 0, -3, 0)"),
        ("open_by_handle_at", "call(304, -100, None, 0)"),
        ("dmesg", "call(103, 3, None, 0)"),
        ("kexec", "call(246, 0, 0, None, 0)"),
        ("settimeofday", "call(164, None, None)"),
        ("sethostname", "call(170, b'x', 1)"),
        ("pidfd_getfd", "call(438, 0, 0, 0)"),
        ("TIOCSTI", "call(16, 0, 0x5412, b'x')"),
        ("personality", "call(135, 0x0040000)"),
    ],
)
def test_no_call_that_reaches_out(run_in_box: RunInBox, name: str, code: str) -> None:
    assert attempt(run_in_box, f"print({code})") == "EPERM", name


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
@pytest.mark.parametrize("number", [435, 319, 447, 29, 463, 500, 0x40000000 | 1])
def test_calls_that_are_not_there(run_in_box: RunInBox, number: int) -> None:
    assert attempt(run_in_box, f"print(call({number}, 0, 0, 0))") == "ENOSYS"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="int 0x80 is of x86")
def test_calls_of_the_old_mode_kill(run_in_box: RunInBox) -> None:
    code = """
        import mmap
        page = mmap.mmap(-1, 4096, prot=7)
        page.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20 (getpid); int 0x80; ret
        ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
        print("alive")
    """
    status, said = run_in_box(TRY + textwrap.dedent(code))
    assert status == 128 + 31
    assert "alive" not in said


def test_no_process_of_the_host(run_in_box: RunInBox) -> None:
    code = """
        print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit())[:3], os.getpid())
    """
    assert attempt(run_in_box, code) == "[1, 2] 2"


def test_nothing_is_inherited(run_in_box: RunInBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TOKEN", "verysecret")
    descriptors = [os.open("/etc/passwd", os.O_RDONLY) for _ in range(5)]
    for descriptor in descriptors:
        os.set_inheritable(descriptor, True)
    code = """
        command = open("/proc/1/cmdline", "rb").read()
        print(open("/proc/1/environ", "rb").read(), b"very" + b"secret" in command)
        own = [d for d in os.listdir("/proc/self/fd") if os.path.islink("/proc/self/fd/" + d)]
        of_pid_1 = [os.readlink("/proc/1/fd/" + d) for d in os.listdir("/proc/1/fd") if int(d) > 2]
        print(sorted(own), of_pid_1)
    """
    try:
        assert attempt(run_in_box, code).splitlines() == [
            "b'' False",
            "['0', '1', '2'] ['anon_inode:[eventfd]']",
        ]
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def test_no_file_of_the_host(run_in_box: RunInBox) -> None:
    code = """
        print(sorted(os.listdir("/")))
        print(sorted(os.listdir("/etc")))
        print([os.path.exists(p) for p in ("/sys", "/root", "/var", "/boot", "/home", "/etc/shadow")])
    """
    root, etc, others = attempt(run_in_box, code).splitlines()
    top = {"bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "tmp", "usr"}
    assert set(ast.literal_eval(root)) <= top
    assert ast.literal_eval(etc) == [
        "fonts", "group", "host.conf", "hosts", "localtime", "nsswitch.conf", "passwd", "resolv.conf",
    ]  # fmt: skip
    assert others == str([False] * 6)


def test_nothing_can_be_written_without_bound(run_in_box: RunInBox) -> None:
    code = """
        for path in ("/x", "/dev/x", "/etc/x", "/usr/x", "/proc/x", "/proc/sys/kernel/hostname"):
            print(attempt(lambda: open(path, "w").write("x")))
        for path in ("/etc/passwd", "/proc/loadavg", "/proc/stat"):
            print(attempt(lambda: os.truncate(path, 0)))
    """
    said = attempt(run_in_box, code).splitlines()
    assert len(said) == 9
    assert set(said) <= {"EROFS", "EACCES", "ENOENT", "EPERM"}


def test_little_is_told_of_the_machine(run_in_box: RunInBox) -> None:
    code = """
        for name in ("loadavg", "meminfo", "stat", "keys", "kallsyms", "diskstats", "cmdline"):
            path = "/proc/" + name
            print(name, len(open(path).read()) if os.path.exists(path) else 0)
        print(os.uname().nodename, os.path.exists("/proc/pressure/cpu"))
    """
    said = attempt(run_in_box, code, limits=Limits(memory_bytes=1 << 29)).splitlines()
    sizes = {line.split()[0]: int(line.split()[1]) for line in said[:7]}
    assert sizes["keys"] == sizes["kallsyms"] == sizes["diskstats"] == sizes["cmdline"] == 0
    assert sizes["loadavg"] < 30
    assert said[7] == "onggi False"


def test_no_privileges_by_setuid_programs(run_in_box: RunInBox) -> None:
    code = """
        import subprocess
        status = dict(l.split(":", 1) for l in open("/proc/self/status").read().splitlines())
        capabilities = {status[name].strip() for name in status if name.startswith("Cap")}
        print(status["NoNewPrivs"].strip(), status["Seccomp"].strip(), capabilities)
        print(attempt(lambda: os.setuid(0)), attempt(lambda: os.mknod("/tmp/n", 0o060600, os.makedev(8, 0))))
    """
    assert attempt(run_in_box, code).splitlines() == ["1 2 {'0000000000000000'}", "EINVAL EPERM"]


def test_data_cannot_be_changed_nor_linked_into_the_project(run_in_box: RunInBox, tmp_path: Path) -> None:
    for name in ("data", "project"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "t").write_text("x")
    binds = (
        Bind(str(tmp_path / "data"), "/data/d"),
        Bind(str(tmp_path / "project"), "/project", writable=True),
    )
    code = """
        print(attempt(lambda: os.chmod("/data/d/t", 0o777)), attempt(lambda: os.unlink("/data/d/t")))
        print(attempt(lambda: os.link("/data/d/t", "/project/t")))
        print(attempt(lambda: os.rename("/data/d/t", "/project/t")))
    """
    assert attempt(run_in_box, code, binds=binds).splitlines() == ["EROFS EROFS", "EXDEV", "EXDEV"]


def test_files_made_in_the_project_belong_to_the_ordinary_user(run_in_box: RunInBox, tmp_path: Path) -> None:
    binds = (Bind(str(tmp_path), "/project", writable=True),)
    attempt(
        run_in_box,
        "open('/project/f', 'w'); print(attempt(lambda: os.chmod('/project/f', 0o4755)))",
        binds=binds,
    )
    assert (tmp_path / "f").stat().st_uid == os.geteuid() != 0
