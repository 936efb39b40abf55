"""Reduce-and-Scale: products with weights of few values, without multiplying each input.

`forms` tells the forms of the engine apart. `folded` works through lists of the weights that are
not zero, which `lists` makes; `adder_graph` shares the constant adders of the unrolled form.
"""
