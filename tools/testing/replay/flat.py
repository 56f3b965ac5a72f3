# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""memstate replay --json on standard input, in the oracle's form."""
import json
import sys

for mark in json.load(sys.stdin)['marks']:
    total = 0
    for p in mark['processes']:
        total += p['ready']
        assert p['line'] == mark['line']
        print(p['line'], p['pid'], p['reserved'], p['prepared'], p['ready'], p['peak_ready'],
              p['reserved_lazy'] + p['prepared_lazy'],
              sum(p['classes']['stack'].values()), sum(p['classes']['code'].values()))
    assert total == mark['all']['ready'], 'the sum is not the sum'
