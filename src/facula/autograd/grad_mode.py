"""Whether operations are recorded: no_grad, enable_grad, set_grad_enabled, inference_mode, each also a decorator."""

from __future__ import annotations

from functools import wraps

from facula._C import _set_grad_enabled, _set_inference, is_grad_enabled, is_inference_mode_enabled


class _Mode:
    """A context manager that decorates functions and generators too."""

    def __call__(self, function):
        if isinstance(function, type):
            raise TypeError(f"{type(self).__name__} decorates functions, not classes such as {function.__name__}")
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & 0x20:  # CO_GENERATOR: the mode holds only while the generator runs
            return self._wrap_generator(function)

        @wraps(function)
        def wrapped(*args, **kwargs):
            with self._fresh():
                return function(*args, **kwargs)

        return wrapped

    def _wrap_generator(self, function):
        @wraps(function)
        def wrapped(*args, **kwargs):
            generator = function(*args, **kwargs)
            sent = None
            try:
                while True:
                    with self._fresh():
                        value = generator.send(sent)
                    sent = yield value
            except StopIteration as stop:
                return stop.value
            finally:
                generator.close()

        return wrapped

    def _fresh(self):
        return type(self)()


class no_grad(_Mode):
    """Operations inside are not recorded.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([1.0], requires_grad=True)
        >>> with torch.no_grad():
        ...     y = x * 2
        >>> y.requires_grad
        False
    """

    def __new__(cls, function=None):
        mode = super().__new__(cls)
        return mode if function is None else mode(function)

    def __enter__(self):
        self.before = _set_grad_enabled(False)

    def __exit__(self, *_):
        _set_grad_enabled(self.before)


class enable_grad(_Mode):
    """Operations inside are recorded, even within no_grad.

    Example:
        >>> import facula as torch
        >>> x = torch.tensor([1.0], requires_grad=True)
        >>> with torch.no_grad(), torch.enable_grad():
        ...     y = x * 2
        >>> y.requires_grad
        True
    """

    def __new__(cls, function=None):
        mode = super().__new__(cls)
        return mode if function is None else mode(function)

    def __enter__(self):
        self.before = _set_grad_enabled(True)

    def __exit__(self, *_):
        _set_grad_enabled(self.before)


class set_multithreading_enabled(_Mode):
    """Remembers whether backward passes may use a thread for each device; here they run on the calling thread.

    Example:
        >>> import facula as torch
        >>> with torch.autograd.set_multithreading_enabled(False):
        ...     torch.ones(1, requires_grad=True).sum().backward()
    """

    _now = True

    def __init__(self, mode: bool):
        if not isinstance(mode, bool):
            raise TypeError(f"set_multithreading_enabled(): argument 'mode' must be bool, not {type(mode).__name__}")
        self.mode, self.before = mode, set_multithreading_enabled._now
        set_multithreading_enabled._now = mode

    def _fresh(self):
        return set_multithreading_enabled(self.mode)

    def __enter__(self):
        pass

    def __exit__(self, *_):
        set_multithreading_enabled._now = self.before


class set_grad_enabled(_Mode):
    """Switches recording on or off, at once; as a context manager it restores what was before.

    Args:
        mode (bool): whether operations are recorded.

    Example:
        >>> import facula as torch
        >>> with torch.set_grad_enabled(False):
        ...     torch.is_grad_enabled()
        False
    """

    def __init__(self, mode: bool):
        self.mode = bool(mode)
        self.before = _set_grad_enabled(self.mode)

    def __call__(self, function):
        _set_grad_enabled(self.before)  # as a decorator it changes nothing outside the function
        return super().__call__(function)

    def _fresh(self):
        return set_grad_enabled(self.mode)

    def __enter__(self):
        _set_grad_enabled(self.mode)

    def __exit__(self, *_):
        _set_grad_enabled(self.before)


class inference_mode(_Mode):
    """Like no_grad, and the results can never take part in recorded operations.

    Args:
        mode (bool): False leaves everything as it is.

    Example:
        >>> import facula as torch
        >>> with torch.inference_mode():
        ...     y = torch.ones(2)
        >>> y.is_inference()
        True
    """

    def __new__(cls, mode=True):
        new = super().__new__(cls)
        if callable(mode):
            new.mode = True
            return new(mode)
        return new

    def __init__(self, mode: bool = True):
        self.mode = mode

    def _fresh(self):
        return inference_mode(self.mode)

    def __enter__(self):
        self.before = (is_grad_enabled(), is_inference_mode_enabled())
        if self.mode:
            _set_grad_enabled(False)
        _set_inference(self.mode)

    def __exit__(self, *_):
        _set_grad_enabled(self.before[0])
        _set_inference(self.before[1])
