"""Which functions are methods of Tensor. Tables and one loop; the functions are in facula.functional, the methods of
the interpreter's protocols in protocol.py. What costs too much as Python is in the C type already."""

from __future__ import annotations

from facula._tensor import protocol
from facula._tensor.storage import untyped_storage
from facula.functional import (
    activation,
    arithmetic,
    comparison,
    conversion,
    creation,
    exponential,
    indexing,
    information,
    inplace,
    joining,
    logical,
    product,
    random,
    reduction,
    rounding,
    shape,
    trigonometry,
)

# Methods that carry the name of their function.
_SAME_NAME = (
    (activation, "celu_ hardshrink prelu relu relu_ selu_"),
    (
        arithmetic,
        "abs abs_ absolute absolute_ add add_ addcdiv addcdiv_ addcmul addcmul_ copysign copysign_ deg2rad "
        "deg2rad_ div div_ divide divide_ float_power floor_divide floor_divide_ fmod fmod_ heaviside heaviside_ "
        "lerp lerp_ mul mul_ multiply multiply_ neg neg_ negative negative_ nextafter nextafter_ positive rad2deg "
        "rad2deg_ reciprocal reciprocal_ remainder remainder_ sgn sgn_ sign sign_ square square_ sub sub_ "
        "subtract subtract_ true_divide true_divide_",
    ),
    (
        comparison,
        "allclose eq eq_ equal fmax fmin ge ge_ greater greater_ greater_equal greater_equal_ gt gt_ isclose "
        "isfinite isinf isnan isneginf isposinf isreal le le_ less less_ less_equal less_equal_ lt lt_ maximum "
        "minimum ne ne_ not_equal not_equal_ signbit",
    ),
    (conversion, "angle conj conj_physical cpu cuda get_device to type type_as"),
    (creation, "new new_empty new_empty_strided new_full new_ones new_tensor new_zeros"),
    (
        exponential,
        "digamma digamma_ erf erf_ erfc erfc_ erfinv erfinv_ exp exp2 exp2_ exp_ expm1 expm1_ hypot hypot_ ldexp "
        "ldexp_ lgamma lgamma_ log log10 log10_ log1p log1p_ log2 log2_ log_ logaddexp logaddexp2 logit logit_ "
        "mvlgamma polygamma_ pow pow_ rsqrt rsqrt_ sigmoid sigmoid_ sqrt sqrt_ xlogy xlogy_",
    ),
    (
        indexing,
        "argwhere bincount gather index_add index_add_ index_copy index_copy_ index_fill index_fill_ index_put "
        "index_put_ index_select masked_fill masked_fill_ masked_scatter masked_scatter_ masked_select nonzero "
        "scatter scatter_ scatter_add scatter_add_ scatter_reduce scatter_reduce_ take take_along_dim",
    ),
    (information, "is_nonzero is_same_size"),
    (
        inplace,
        "apply_ as_strided_ copy_ fill_ fill_diagonal_ map_ resize_as_ squeeze_ sum_to_size t_ transpose_ "
        "unsqueeze_ zero_",
    ),
    (joining, "flip fliplr flipud repeat repeat_interleave roll rot90 tile tril tril_ triu triu_"),
    (
        logical,
        "bitwise_and bitwise_and_ bitwise_left_shift bitwise_left_shift_ bitwise_not bitwise_not_ bitwise_or "
        "bitwise_or_ bitwise_right_shift bitwise_right_shift_ bitwise_xor bitwise_xor_ gcd gcd_ lcm lcm_ "
        "logical_and logical_and_ logical_not logical_not_ logical_or logical_or_ logical_xor logical_xor_",
    ),
    (
        product,
        "addbmm addbmm_ addmm addmm_ addmv addmv_ addr addr_ baddbmm baddbmm_ bmm cross dot ger inner kron matmul "
        "matrix_power mm mv outer trace vdot",
    ),
    (random, "bernoulli bernoulli_ exponential_ log_normal_ multinomial normal_ random_ uniform_"),
    (
        reduction,
        "all amax amin aminmax any argmax argmin count_nonzero cummax cummin cumprod cumprod_ cumsum cumsum_ dist "
        "log_softmax logcumsumexp logsumexp max mean min nanmean nansum norm prod softmax std sum var",
    ),
    (
        rounding,
        "ceil ceil_ clamp clamp_ clamp_max clamp_max_ clamp_min clamp_min_ clip clip_ fix fix_ floor floor_ frac "
        "frac_ nan_to_num nan_to_num_ round round_ trunc trunc_",
    ),
    (
        shape,
        "adjoint as_strided broadcast_to chunk clone contiguous detach diag diag_embed diagflat diagonal dsplit "
        "expand expand_as flatten hsplit moveaxis movedim narrow permute ravel reshape reshape_as select "
        "split_with_sizes squeeze swapaxes swapdims t tensor_split transpose unbind unflatten unfold unsqueeze "
        "view view_as vsplit",
    ),
    (
        trigonometry,
        "acos acos_ acosh acosh_ arccos arccos_ arccosh arccosh_ arcsin arcsin_ arcsinh arcsinh_ arctan arctan2 "
        "arctan2_ arctan_ arctanh arctanh_ asin asin_ asinh asinh_ atan atan2 atan2_ atan_ atanh atanh_ cos cos_ "
        "cosh cosh_ sin sin_ sinc sinc_ sinh sinh_ tan tan_ tanh tanh_",
    ),
)

# Methods that differ from the function of their name, or have another name.
_OWN_NAME = {
    **conversion.CONVERTERS,
    "polygamma": lambda input, n: exponential.polygamma(n, input),
    "rsub": arithmetic.rsub,
    "split": shape._split_method,
    "swapaxes_": inplace.transpose_,
    "swapdims_": inplace.transpose_,
    "untyped_storage": untyped_storage,
    "where": indexing._where_method,
}

_PROTOCOLS = ("__deepcopy__", "__format__", "__reduce_ex__", "__reversed__")

_ATTRIBUTES = {
    "H": property(shape.adjoint, doc="The transposed, conjugated matrix."),
    "mH": property(shape.adjoint, doc="The last two dimensions swapped, conjugated."),
    "imag": property(conversion.imag, doc="The imaginary part, a view."),
    "real": property(conversion.real, doc="The real part, a view."),
    "name": None,
    "names": property(lambda self: (None,) * self.dim(), doc="No dimension has a name."),
    "__array_priority__": 1000,  # NumPy's operators leave mixed operands to the tensor
}


def attach(kind: type) -> None:
    """Set all methods and attributes of the tables on the Tensor class."""
    for module, names in _SAME_NAME:
        for name in names.split():
            setattr(kind, name, getattr(module, name))
    for name, function in _OWN_NAME.items():
        setattr(kind, name, function)
    for name in _PROTOCOLS:
        setattr(kind, name, getattr(protocol, name))
    for name, value in _ATTRIBUTES.items():
        setattr(kind, name, value)
    setattr(kind, "__torch_function__", classmethod(protocol.__torch_function__))  # noqa: B010
    setattr(kind, "__repr__", _repr)  # noqa: B010


def _repr(self, *, tensor_contents: str | None = None) -> str:
    """The tensor as text."""
    from facula._tensor.printing import tensor_repr

    return tensor_repr(self, tensor_contents=tensor_contents)
