# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""generate.py SEED LINES: a log as strace -f -o writes it, of processes that do anything.

Few addresses, many threads: ranges are cut, replaced and moved all the time, and a third
of the calls are reported in two parts with others in between.
"""
import random
import sys

BASE, PAGES, PAGE = 0x10000000, 48, 4096
PROTS = ('PROT_NONE', 'PROT_READ', 'PROT_READ|PROT_WRITE', 'PROT_READ|PROT_EXEC',
         'PROT_READ|PROT_WRITE|PROT_EXEC', 'PROT_WRITE')
MAPS = 6 * ('MAP_PRIVATE|MAP_ANONYMOUS',) + (
    'MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS', 'MAP_SHARED|MAP_ANONYMOUS', 'MAP_PRIVATE',
    'MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE|MAP_STACK', 'MAP_SHARED|MAP_FIXED')
ADVICE = ('MADV_DONTNEED', 'MADV_FREE', 'MADV_DONTNEED_LOCKED', 'MADV_WILLNEED',
          'MADV_HUGEPAGE', 'MADV_COLD', 'MADV_POPULATE_WRITE')


class World:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.group = {100: 100}     # thread: its leader
        self.pending = {}           # thread: (call, how its line goes on)
        self.breaks = {}
        self.next = 101
        self.lines = ['100 execve("/bin/x", ["x"], 0x7ffc /* 2 vars */) = 0']

    def say(self, tid, text):
        self.lines.append(f'{tid}  {text}' if self.random.random() < .5 else
                          f'{tid} 1700000000.{len(self.lines):06} {text}')

    def addr(self):
        return BASE + PAGE * self.random.randrange(PAGES)

    def length(self):
        return max(0, PAGE * self.random.randrange(12) - self.random.choice((0, 0, 1, 4095)))

    def range(self):
        return f'0x{self.addr():x}, {self.length()}'

    def call(self, tid):
        """Name, arguments, and the result if it succeeds."""
        r = self.random
        match r.randrange(7):
            case 0 | 1:
                at = f'0x{self.addr():x}'
                return 'mmap', f'{at}, {self.length()}, {r.choice(PROTS)}, {r.choice(MAPS)}, -1, 0', at
            case 2:
                return 'munmap', self.range(), '0'
            case 3:
                return 'mprotect', f'{self.range()}, {r.choice(PROTS)}', '0'
            case 4:
                return 'madvise', f'{self.range()}, {r.choice(ADVICE)}', '0'
            case 5:
                at, flags = f'0x{self.addr():x}', 'MREMAP_MAYMOVE'
                args = f'{self.range()}, {self.length()}, '
                if r.random() < .25:
                    flags += '|MREMAP_DONTUNMAP'
                elif r.random() < .3:
                    flags += f'|MREMAP_FIXED, {at}'
                return 'mremap', args + flags, at
            case _:
                leader = self.group[tid]
                self.breaks[leader] = BASE + r.randrange(PAGES * PAGE)
                at = f'0x{self.breaks[leader]:x}'
                return 'brk', at, at

    def emit(self, tid, name, args, result, split):
        if split:
            self.say(tid, f'{name}({args} <unfinished ...>')
            self.pending[tid] = (name, result)
        else:
            self.say(tid, f'{name}({args}) = {result}')

    def spawn(self, tid, split):
        r, child = self.random, self.next
        self.next += 1
        name, args, leader = r.choice((
            ('fork', '', child), ('vfork', '', child),
            ('clone', 'child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD', child),
            ('clone', 'child_stack=0x7f00, flags=CLONE_VM|CLONE_VFORK|SIGCHLD', child),
            ('clone', 'child_stack=0x7f00, flags=CLONE_VM|CLONE_FS|CLONE_THREAD|CLONE_SYSVSEM',
             self.group[tid]),
            ('clone3', '{flags=CLONE_VM|CLONE_SIGHAND|CLONE_THREAD, stack=0x7f, stack_size=0x10}',
             self.group[tid]),
            ('clone3', '{flags=CLONE_PIDFD, exit_signal=SIGCHLD}', child)))
        self.emit(tid, name, args, child, split)
        self.group[child] = leader

    def gone(self, tid, how):
        self.say(tid, f'+++ {how} +++')
        self.pending.pop(tid, None)
        del self.group[tid]

    def replace(self, tid):
        """A successful exec: of the leader, or of another thread in its place."""
        leader = self.group[tid]
        for other in [t for t, g in self.group.items() if g == leader]:
            if other not in (tid, leader):
                self.gone(other, 'exited with 0')
        self.say(tid, 'execve("/bin/x", ["x", "f() = 3"], 0x7ffc /* 2 vars */ <unfinished ...>')
        if tid != leader:
            self.pending.pop(leader, None)
            self.say(leader, f'+++ superseded by execve in pid {tid} +++')
            del self.group[tid]
            self.group[leader] = leader
        self.say(leader, '<... execve resumed>) = 0')

    def step(self):
        r = self.random
        tid = r.choice(list(self.group))
        if tid in self.pending:
            if r.random() < .5:
                name, result = self.pending.pop(tid)
                self.say(tid, f'<... {name} resumed>{r.choice(("", " "))}) = {result}')
            return
        split, luck = r.random() < .35, r.random()
        if luck < .06 and len(self.group) < 12:
            self.spawn(tid, split)
        elif luck < .08:
            self.replace(tid)
        elif luck < .12 and len(self.group) > 1:
            self.gone(tid, r.choice(('exited with 1', 'killed by SIGKILL')))
        elif luck < .14:
            self.emit(tid, 'execve', '"/none", [], 0x1 /* 0 vars */',
                      '-1 ENOENT (No such file or directory)', split)
        else:
            name, args, result = self.call(tid)
            if r.random() < .1:
                result = r.choice(('-1 ENOMEM (Cannot allocate memory)',
                                   '-1 EACCES (Permission denied)',
                                   '-1 EINVAL (Invalid argument)', '?'))
                if name == 'brk':
                    return
            self.emit(tid, name, args, result, split)


def lines(seed, nr):
    """So many of a log."""
    world = World(seed)
    while len(world.lines) < nr:
        world.step()
    return world.lines


if __name__ == '__main__':
    print('\n'.join(lines(int(sys.argv[1]), int(sys.argv[2]))))
