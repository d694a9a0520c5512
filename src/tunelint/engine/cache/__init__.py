"""What earlier runs found out about rows, kept on disk so that a lint of grown data pays only for the new ones.

A row's findings and columns depend on its bytes and on the settings of the run alone, never on its neighbours, its line
or its file. So they are kept by a digest of the bytes, in one store for each set of settings.
"""
