#!/usr/bin/env python3
"""Where a server's processor time goes, by groups of functions: reads what `perf script` prints of a server under load.

    perf record -e cpu-clock -F 1999 -g -p PID -o server.perf -- sleep 10
    perf script -i server.perf -F comm,ip,sym | tools/where_time_goes.py

A sample belongs to the first group that one of its functions is in, from the group that is listed first: what the kernel does for
the receiving socket while the sender's call lasts is called by sending, and must not count as that. `--rest` shows which functions the
groups without a name of their own are made of.
"""
import argparse
import collections
import re
import sys

GROUPS = [
    ("waking the receiver's thread, that is the generator's", r"sock_def_readable|ep_poll_callback|try_to_wake_up"),
    ("the receiver's side of loopback: its TCP, its queue", r"__netif_receive_skb|process_backlog|net_rx_action|tcp_v4_rcv"),
    ("our TCP taking the receiver's acknowledgements", r"tcp_ack|tcp_rcv_established"),
    ("IP, routing and the loopback device, outwards", r"__ip_queue_xmit|ip_queue_xmit|dev_queue_xmit|loopback_xmit"),
    ("TCP making and sending a segment", r"__tcp_transmit_skb|tcp_write_xmit|tcp_push|__tcp_push_pending_frames"),
    ("memory for a segment", r"tcp_stream_alloc_skb|__alloc_skb|tcp_wmem_schedule|sk_page_frag_refill|skb_page_frag_refill"),
    ("copying the push into the kernel", r"_copy_from_iter|copy_from_iter|skb_copy_to_page_nocache|copyin"),
    ("the rest of tcp_sendmsg: locks, socket state", r"tcp_sendmsg|release_sock|lock_sock"),
    ("reading: requests of the senders", r"tcp_recvmsg|inet_recvmsg|__sys_recvfrom|vfs_read|ksys_read"),
    ("epoll", r"ep_poll|epoll_wait|do_epoll|ep_send_events|ep_item_poll"),
    ("system call entry and exit, socket lookup", r"syscall|__sys_sendto|sock_sendmsg|security_socket|fdget|sockfd|SYSCALL"),
    ("interrupts and the kernel's scheduler", r"irq|schedule|timer|softirq|apic"),
]
OURS = [
    ("the system call's wrapper in the C library", r"^_*(libc_)?(send|recv|epoll_wait)\b|asynccancel"),
    ("our round and the way to the socket", r"longwire|Shard|engine|reactor|Sockets|write_all|mio|TcpStream"),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rest", action="store_true", help="name what is in no group")
    rest_wanted = parser.parse_args().rest
    shares, rest, total = collections.Counter(), collections.Counter(), 0
    for stack in stacks(sys.stdin):
        total += 1
        group = group_of(stack)
        shares[group] += 1
        if group.startswith("other"):
            rest[stack[0][0]] += 1
    if total == 0:
        sys.exit("no samples: was the server under load?")
    print("| of its processor time | what |\n|---|---|")
    for group, samples in shares.most_common():
        print(f"| {100 * samples / total:.1f} % | {group} |")
    print(f"\n{total} samples")
    if rest_wanted:
        for function, samples in rest.most_common(20):
            print(f"{100 * samples / total:6.2f} %  {function}")


def stacks(lines):
    """Lists of (function, is the kernel's), the innermost first: a line without an indent begins a sample."""
    stack = []
    for line in lines:
        frame = re.match(r"\s+([0-9a-f]+)\s+(.*)", line)
        if frame:
            stack.append((frame[2].strip(), frame[1].startswith("ffff")))
        elif stack:
            yield stack
            stack = []
    if stack:
        yield stack


def group_of(stack):
    kernel = [name for name, is_kernel in stack if is_kernel]
    for what, pattern in GROUPS if kernel else OURS:
        # of our own code the innermost function says it: who called it is always us
        names = kernel if kernel else [stack[0][0]]
        if any(re.search(pattern, name) for name in names):
            return what
    return "other, the kernel's" if kernel else "other, ours (memory moves and the like)"


if __name__ == "__main__":
    main()
