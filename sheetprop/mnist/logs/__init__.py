"""Reading training logs as people paste them.

A file becomes lines (`source`). Each dialect takes from a line what it knows how to read
(`dialects`), layer tables are read beside them (`layers`), figures that prose states are claims
(`claims`), and `assembly` puts what was found together into runs and epochs. What looks like a
figure and was taken by nobody is named (`leftover`): nothing is passed over in silence.

A new dialect is one new module in `dialects`, a new form of layer table one in `layers`; both
are found by themselves.
"""
