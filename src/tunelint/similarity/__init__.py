"""How alike texts are: words, shingles, set-similarity joins, sketches, clusters, shared passages, rewordings.

Pure functions on texts and numpy columns. Nothing here knows of files, rules or findings.
"""
