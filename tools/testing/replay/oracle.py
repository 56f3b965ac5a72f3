# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of memstate replay a second time, page by page, for logs of strace -f -o.

Deliberately simple: books are a dictionary from page to (state, class, lazy, ro), where the
state of what is mapped and not accounted is 'other'. It
shares nothing with the C code but the rules' text (memstate-replay(1)).

replay(LINES, MARKS) gives "mark pid reserved prepared ready peak lazy stack code" of each
process at each mark and at the end.
"""
import re

PAGE = 4096
CALL = re.compile(r'^(\d+)\s+(?:[\d:.]+\s+)?(\w+)\((.*)\)\s+= (-?\w+(?: E\w+)?|\?)')
UNFINISHED = re.compile(r'^(\d+)\s+(?:[\d:.]+\s+)?(\w+)\((.*?)\s*<unfinished \.\.\.>$')
RESUMED = re.compile(r'^(\d+)\s+(?:[\d:.]+\s+)?<\.\.\. (\w+) resumed>(.*)\)\s+'
                     r'= (-?\w+(?: E\w+)?|\?)')
EXIT = re.compile(r'^(\d+)\s+(?:[\d:.]+\s+)?\+\+\+ (?:exited|killed)')
SUPER = re.compile(r'^(\d+)\s+(?:[\d:.]+\s+)?\+\+\+ superseded by execve in pid (\d+)')
OTHER = ('other', None, False, False)
FORKS = ('fork', 'vfork', 'clone', 'clone3')


def up(n):
    return (n + PAGE - 1) // PAGE


def num(text):
    text = text.strip().split(' ')[0]
    return 0 if text == 'NULL' else int(text, 0)


class Books:
    def __init__(self):
        self.pages = {}
        self.brk = None

    def copy(self):
        other = Books()
        other.pages = dict(self.pages)
        other.brk = self.brk
        return other

    def count(self, state):
        return sum(p[0] == state for p in self.pages.values()) * PAGE

    def held(self, cls):
        return sum(p[1] == cls for p in self.pages.values()) * PAGE

    def done(self, first, nr, error):
        """Of so many pages, those that a call which failed has come by."""
        for i in range(nr):
            state = self.pages.get(first + i, (None,))[0]
            if state == (None if error == 'ENOMEM' else 'other'):
                return i
        return 0

    def lazy(self):
        return sum(1 for p in self.pages.values() if p[2]) * PAGE


class Process:
    def __init__(self, pid, books):
        self.pid, self.books, self.tids, self.peak = pid, books, set(), 0
        self.watch()

    def watch(self):
        if self.books is not None:
            self.peak = max(self.peak, self.books.count('ready'))


class Oracle:
    def __init__(self):
        self.processes, self.by_tid = [], {}

    def process(self, tid):
        if tid not in self.by_tid:
            p = Process(tid, Books())
            p.tids.add(tid)
            self.processes.append(p)
            self.by_tid[tid] = p
        return self.by_tid[tid]

    def before(self, p):
        """Who may have had the books of p longer."""
        return self.processes[:self.processes.index(p)]

    def watch(self, p):
        for q in self.processes:
            if q.books is p.books:
                q.watch()

    def begin(self, tid, name, args, ret, keep, silent=False):
        """What acts where the call began; keep is handed on to its end. silent: the child
        makes no line, which is nothing where it shares its parent's memory."""
        p = self.process(tid)
        if ret is None:
            return
        pages = p.books.pages
        if name == 'munmap':
            a = args.split(',')
            for i in range(up(num(a[1]))):
                pages.pop(num(a[0]) // PAGE + i, None)
        elif name == 'mremap':
            a = args.split(',')
            first, old = num(a[0]) // PAGE, up(num(a[1]))
            if old and num(a[2]):
                keep['pieces'] = [pages.get(first + i) for i in range(old)]
                if 'DONTUNMAP' not in args:
                    for i in range(old):
                        pages.pop(first + i, None)
        elif name in FORKS and ret > 0:
            if silent and (name == 'vfork' or 'CLONE_VM' in args):
                return
            if 'CLONE_THREAD' in args:
                child = p
            elif name == 'vfork' or 'CLONE_VM' in args:
                child = Process(ret, p.books)
                self.processes.append(child)
            else:
                child = Process(ret, p.books.copy())
                self.processes.append(child)
            child.tids.add(ret)
            self.by_tid[ret] = child
        self.watch(p)

    def half(self, p, name, args, error):
        """A call has failed with this: what was done before."""
        a = args.split(',')
        if name not in ('mprotect', 'pkey_mprotect', 'madvise') or \
                error not in ('ENOMEM', 'EACCES', 'EINVAL'):
            return
        nr = p.books.done(num(a[0]) // PAGE, up(num(a[1])), error)
        what = a[2].strip()
        if name == 'madvise':
            if error == 'EACCES' or error == 'EINVAL' and what != 'MADV_FREE' or \
                    what == 'MADV_COLLAPSE':
                return
            if error == 'ENOMEM' and what != 'MADV_POPULATE_WRITE':
                nr = up(num(a[1]))
        elif error == 'EINVAL':
            return
        self.whole(p, name, ','.join([a[0], str(nr * PAGE)] + a[2:]), 0, {})

    def end(self, tid, name, args, ret, keep, error=None):
        p = self.process(tid)
        if ret is None:
            self.half(p, name, args, error)
        else:
            self.whole(p, name, args, ret, keep, tid)
        self.watch(p)

    def whole(self, p, name, args, ret, keep, tid=None):
        pages = p.books.pages
        a = args.split(',')
        if name == 'mmap':
            n = up(num(a[1]))
            for i in range(n):
                page = ret // PAGE + i
                if 'MAP_ANON' not in a[3] or 'MAP_PRIVATE' not in a[3]:
                    pages[page] = OTHER
                else:
                    pages[page] = ('ready' if 'PROT_WRITE' in a[2] else 'reserved',
                                   'stack' if 'MAP_STACK' in a[3] else
                                   'code' if 'PROT_EXEC' in a[2] else 'heap', False, False)
        elif name in ('mprotect', 'pkey_mprotect'):
            for i in range(up(num(a[1]))):
                page = num(a[0]) // PAGE + i
                if pages.get(page, OTHER) == OTHER:
                    continue
                state, cls, lazy, ro = pages[page]
                if 'PROT_EXEC' in a[2]:
                    cls = 'code'
                if 'PROT_WRITE' in a[2]:
                    pages[page] = ('ready', cls, False, False)
                elif 'PROT_READ' in a[2] or 'PROT_EXEC' in a[2]:
                    pages[page] = (state, cls, lazy, True)
                else:
                    pages[page] = ('reserved', cls, lazy or state == 'ready', False)
        elif name == 'madvise':
            what = a[2].strip()
            if what == 'MADV_POPULATE_WRITE':
                for i in range(up(num(a[1]))):
                    self.populate(pages, num(a[0]) // PAGE + i)
            if what in ('MADV_DONTNEED', 'MADV_FREE', 'MADV_DONTNEED_LOCKED'):
                for i in range(up(num(a[1]))):
                    self.drop(pages, num(a[0]) // PAGE + i, what != 'MADV_FREE')
        elif name == 'brk':
            old, p.books.brk = p.books.brk, ret
            if old is not None:
                for page in range(up(old), up(ret)):
                    pages[page] = ('ready', 'heap', False, False)
                for page in range(up(ret), up(old)):
                    pages.pop(page, None)
        elif name == 'mremap' and not up(num(a[1])):
            for i in range(up(num(a[2]))):
                pages[ret // PAGE + i] = OTHER
        elif name == 'mremap' and 'pieces' in keep:
            first, old, new = num(a[0]) // PAGE, up(num(a[1])), up(num(a[2]))
            if 'DONTUNMAP' in args:
                for i in range(old):
                    self.drop(pages, first + i, True)
            last = keep['pieces'][-1]
            for i in range(new):
                page = ret // PAGE + i
                piece = keep['pieces'][i] if i < old else None
                if i >= old and last == OTHER:
                    piece = OTHER
                elif i >= old and last:
                    writable = last[0] != 'reserved' and not last[3]
                    piece = ('ready' if writable else 'reserved', last[1], False, False)
                if piece:
                    pages[page] = piece
                else:
                    pages.pop(page, None)
        elif name in ('execve', 'execveat'):
            for tid2 in [t for t, q in self.by_tid.items() if q is p and t != tid]:
                del self.by_tid[tid2]
            p.tids = {tid}
            p.books, p.peak = Books(), 0

    @staticmethod
    def populate(pages, page):
        if page in pages and pages[page][0] == 'prepared':
            pages[page] = ('ready', pages[page][1], False, False)

    @staticmethod
    def drop(pages, page, really):
        if page in pages:
            state, cls, lazy, ro = pages[page]
            if state == 'ready':
                pages[page] = ('prepared', cls, True, ro)
            elif state == 'reserved' and really:
                pages[page] = ('reserved', cls, False, ro)

    def exit(self, tid):
        p = self.by_tid.pop(tid, None)
        if p:
            p.tids.discard(tid)
            if not p.tids:
                if any(q.books is p.books for q in self.before(p)):
                    p.peak = 0
                p.books = None

    def show(self, mark):
        seen, rows = [], []
        for p in self.processes:
            b = p.books
            if b is None or any(b is s for s in seen):
                rows.append((mark, p.pid, 0, 0, 0, 0 if b is not None else p.peak, 0, 0, 0))
                continue
            seen.append(b)
            rows.append((mark, p.pid, b.count('reserved'), b.count('prepared'), b.count('ready'),
                         p.peak, b.lazy(), b.held('stack'), b.held('code')))
        return rows


def result(text):
    return None if text == '?' or text.startswith('-') else int(text, 0)


def error_of(text):
    return text.split()[1] if ' ' in text else None


def join_unfinished(lines, outcome):
    """Who is born, nobody's child, while one clone has begun whose end is not in the log, is the
    child of that."""
    made = {r for i, line in enumerate(lines) if (m := CALL.match(line)) and m[2] in FORKS
            for r in [result(m[4])]}
    made |= {outcome[i] for i in outcome if UNFINISHED.match(lines[i])[2] in FORKS}
    seen, open_forks = set(), []
    for i, line in enumerate(lines):
        m = re.match(r'(\d+)', line)
        if m and int(m[1]) not in seen:
            seen.add(int(m[1]))
            if int(m[1]) not in made and len(open_forks) == 1:
                outcome[open_forks.pop()] = int(m[1])
        m = UNFINISHED.match(line)
        if m and m[2] in FORKS and i not in outcome:
            open_forks.append(i)


def replay(lines, marks):
    rows = []
    outcome, pending = {}, {}
    for i, line in enumerate(lines):
        if m := UNFINISHED.match(line):
            pending[int(m[1])] = i
        elif m := RESUMED.match(line):
            if int(m[1]) in pending:
                outcome[pending.pop(int(m[1]))] = result(m[4])
        elif m := SUPER.match(line):
            if int(m[2]) in pending:
                pending[int(m[1])] = pending.pop(int(m[2]))
    join_unfinished(lines, outcome)
    o, pending = Oracle(), {}
    last = {int(m[0]): i for i, line in enumerate(lines) if (m := re.match(r'\d+', line))}
    for i, line in enumerate(lines):
        if m := UNFINISHED.match(line):
            keep = {}
            pending[int(m[1])] = (m[2], m[3], outcome.get(i), keep)
            o.begin(int(m[1]), m[2], m[3], outcome.get(i), keep,
                    last.get(outcome.get(i), -1) < i)
        elif m := RESUMED.match(line):
            if int(m[1]) in pending:
                name, args, ret, keep = pending.pop(int(m[1]))
                o.end(int(m[1]), name, args, ret, keep, error_of(m[4]))
        elif m := SUPER.match(line):
            if int(m[2]) in pending:
                pending[int(m[1])] = pending.pop(int(m[2]))
            if int(m[1]) in o.by_tid and int(m[2]) in o.by_tid:
                o.exit(int(m[2]))
            elif int(m[2]) in o.by_tid:
                p = o.by_tid[int(m[1])] = o.by_tid.pop(int(m[2]))
                p.tids = {int(m[1])}
        elif m := EXIT.match(line):
            o.exit(int(m[1]))
        elif m := CALL.match(line):
            keep = {}
            o.begin(int(m[1]), m[2], m[3], result(m[4]), keep,
                    last.get(result(m[4]), -1) < i)
            o.end(int(m[1]), m[2], m[3], result(m[4]), keep, error_of(m[4]))
        if i + 1 in marks:
            rows += o.show(i + 1)
    return rows + o.show(len(lines))
