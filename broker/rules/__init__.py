"""Policy rules, one module per family, each with three faces.

`admits` says which stock rows a workload may use at all; `terms` adds what must hold over the
whole plan to the optimizer's problem; `violations` re-checks a finished plan in plain arithmetic
and shares no code with the other two.
"""
