"""rnnbench: which part of a recurrent cell carries information across a gap, and how sure are we?

Letters of tensor axes, everywhere: R run, B batch, T time, I input, H hidden, O output. Parameters are capitals
as in the papers; `x, h, c` are one step, `xs, ys` carry T.
"""

__version__ = "0.1.0"
