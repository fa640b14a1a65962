"""Why something is not restored, by what can be done about it. Messages are the program's own."""


class Error(Exception):
    """Every error of mprnet; by itself one of no kind below, such as a mistake of the library."""


class BadInput(Error, ValueError):
    """An array or an argument cannot be used."""


class BadFile(Error, OSError):
    """A file cannot be read or written, or is no image that is read."""


class BadModel(Error, ValueError):
    """Weights are damaged or of another network, or give numbers that are not finite."""


class NoDevice(Error):
    """No adapter can run the shaders, or none matches ``device``."""


class DeviceError(Error):
    """The device or its driver has failed, or this process was forked from one that uses it."""


class OutOfMemory(Error, MemoryError):
    """The device has too little memory for the photo."""
