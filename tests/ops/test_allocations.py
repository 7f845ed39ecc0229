"""An operation of the table allocates its results and nothing else; those that need more are listed with the reason."""

import pytest
from samples import SAMPLES

import facula
from facula import _C

pytestmark = pytest.mark.skipif(_C._sanitized, reason="the allocator of the sanitizers does not count")

# Blocks beyond the results. An entry that comes to need none must leave the list.
TEMPORARIES = {
    "masked_fill": (1, "the number as one element of the tensor's dtype"),
    "index_fill": (1, "the number as one element of the tensor's dtype"),
    "index_add": (1, "the source times alpha"),
    "equal": (2, "the comparison, and whether all of it is true"),
    "matmul_43": (2, "factors that broadcast over the batch, written out for the batched product"),
    "multinomial": (2, "running sums of the weights, and the draws"),
    "Tensor.cauchy_": (1, "the uniform numbers it is computed from"),
    "Tensor.geometric_": (1, "the uniform numbers it is computed from"),
    "Tensor.log_normal_": (1, "the normal numbers it is computed from"),
    "cholesky_inverse": (1, "LAPACK works in columns"),
    "cholesky_solve": (1, "LAPACK works in columns"),
    "ormqr": (2, "LAPACK works in columns, and in work space"),
    "matrix_exp": (48, "powers, and the squarings of the scaled matrix"),
}


def tensors(value):
    if isinstance(value, facula.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors(item)


def storages(value):
    return {t.untyped_storage().data_ptr() for t in tensors(value) if t.numel()}


ENTRIES = [s for s in SAMPLES if isinstance(s.function(facula), type(facula.mean))]


@pytest.mark.parametrize("sample", ENTRIES, ids=repr)
def test_allocates_its_results(sample):
    function = sample.function(facula)
    with facula.no_grad():
        args, kwargs = sample.make(facula, sample.dtype)
        function(*args, **kwargs)  # what is made once, like a table of constants, does not count
        args, kwargs = sample.make(facula, sample.dtype)
        given = storages([*args, *kwargs.values()])
        before = _C._memory_stats()["made"]
        result = function(*args, **kwargs)
        made = _C._memory_stats()["made"] - before
    extra, _ = TEMPORARIES.get(sample.id, (0, ""))
    assert made - len(storages(result) - given) == extra


def test_the_list_names_samples():
    assert set(TEMPORARIES) <= {s.id for s in ENTRIES} and len(ENTRIES) > 200
