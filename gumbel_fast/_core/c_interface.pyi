# Nothing for Python: what it gives to other extensions is declared in c_interface.pxd.
