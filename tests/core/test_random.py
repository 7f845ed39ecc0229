"""The random streams: the numbers PyTorch gives for a seed, and what the generator remembers between calls.

The recorded values come from PyTorch 2.13 on a CPU with AVX2; tests/oracle compares live where PyTorch is installed.
"""

from __future__ import annotations

import pytest

import facula as torch

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def seeded(make, seed=0):
    torch.manual_seed(seed)
    return make().tolist()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: torch.rand(3), [0.49625658988952637, 0.7682217955589294, 0.08847743272781372]),
        (lambda: torch.rand(2, dtype=torch.float64), [0.9700530018065531, 0.707819864399788]),
        (lambda: torch.rand(3, dtype=torch.float16), [0.496337890625, 0.76806640625, 0.0885009765625]),
        (lambda: torch.rand(3, dtype=torch.bfloat16), [0.49609375, 0.76953125, 0.08837890625]),
        (lambda: torch.randn(3), [1.5409960746765137, -0.293428897857666, -2.1787893772125244]),
        (lambda: torch.randn(3, dtype=torch.float64), [1.5409961082440433, -0.2934289057609464, -2.1787893820745574]),
        (lambda: torch.randn(17)[-3:], [0.946298360824585, -0.843676745891571, 0.9318265914916992]),
        (
            lambda: torch.randn(17, dtype=torch.float64)[-3:],
            [-0.4484158047114511, -0.8910030351707375, 0.6748575435940039],
        ),
        (lambda: torch.randn(17, dtype=torch.float16)[-3:], [1.5859375, 0.9462890625, -0.84375]),
        (lambda: torch.randn(32)[7:10], [-2.1152193546295166, 0.32227492332458496, -1.2633347511291504]),
        (
            lambda: torch.empty(3).uniform_(-0.25, 0.25),
            [-0.00187170505523682, 0.13411089777946472, -0.20576128363609314],
        ),
        (lambda: torch.empty(3).normal_(1.0, 2.0), [4.081992149353027, 0.4131421744823456, -3.357578754425049]),
        (lambda: torch.empty(3).exponential_(0.5), [7.016652584075928, 2.4607694149017334, 1.230088233947754]),
        (
            lambda: torch.empty(3, dtype=torch.float64).exponential_(),
            [3.508326186707642, 1.2303847641796768, 0.6150440938940115],
        ),
        (lambda: torch.empty(8).bernoulli_(0.5), [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0]),
        (lambda: torch.bernoulli(torch.full((8,), 0.5)), [1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0]),
        (lambda: torch.bernoulli(torch.full((8,), 0.5, dtype=torch.float64)), [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0]),
        (lambda: torch.randint(0, 10, (5,)), [4, 9, 3, 0, 3]),
        (lambda: torch.randint(-5, 2**40, (3,)), [741234585336, 506077272957, 291397093751]),
        (
            lambda: torch.empty(3, dtype=torch.int64).random_(),
            [900450186894289455, 3969543146641149120, 1895649597198586619],
        ),
        (lambda: torch.empty(3, dtype=torch.uint8).random_(), [172, 47, 117]),
        (lambda: torch.empty(3).random_(), [8325664.0, 12888472.0, 1484222.0]),
        (
            lambda: torch.empty(3, dtype=torch.float64).random_(),
            [8737460674930124.0, 6375474555111176.0, 4137753702977065.0],
        ),
        (lambda: torch.randperm(10), [4, 1, 7, 5, 3, 9, 0, 8, 6, 2]),
        (lambda: torch.randperm(5, dtype=torch.float32), [4.0, 0.0, 1.0, 3.0, 2.0]),
        (lambda: torch.randn(2, dtype=torch.complex64).real, [1.0896488428115845, -1.5406367778778076]),
    ],
)
def test_recorded_values(make, expected):
    assert seeded(make) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [1, 15, 16, 17, 31, 624, 1000])
def test_the_same_seed_gives_the_same_numbers(dtype, n):
    for make in (
        lambda: torch.rand(n, dtype=dtype),
        lambda: torch.randn(n, dtype=dtype),
        lambda: torch.empty(n, dtype=dtype).exponential_(),
        lambda: torch.empty(n, dtype=dtype).bernoulli_(0.3),
    ):
        assert seeded(make, 3) == seeded(make, 3)


@pytest.mark.parametrize("n", [0, 1, 2, 15, 16, 17, 40, 623, 624, 625, 5000])
def test_uniform_does_not_depend_on_how_a_stream_is_cut(n):
    torch.manual_seed(5)
    whole = torch.rand(n + 7).tolist()
    torch.manual_seed(5)
    assert torch.rand(n).tolist() + torch.rand(7).tolist() == whole


@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform_is_half_open(dtype):
    torch.manual_seed(0)
    x = torch.rand(100_000, dtype=dtype)
    assert x.min().item() >= 0
    assert x.max().item() < 1
    y = torch.empty(100_000, dtype=dtype).uniform_(-3, -1)
    assert y.min().item() >= -3
    assert y.max().item() < -1


@pytest.mark.parametrize("dtype", FLOATS)
def test_normal_has_the_right_moments(dtype):
    torch.manual_seed(1)
    x = torch.empty(100_003, dtype=dtype).normal_(2.0, 3.0).to(torch.float64)
    assert x.mean().item() == pytest.approx(2, abs=0.05)
    assert x.std().item() == pytest.approx(3, abs=0.05)


def test_the_second_normal_of_a_pair_is_kept_and_forgotten_by_a_seed():
    torch.manual_seed(0)
    torch.randn(1)
    kept = torch.randn(1, dtype=torch.float64).item()
    torch.manual_seed(0)
    assert torch.randn(2, dtype=torch.float64).tolist()[1] == kept
    torch.manual_seed(0)
    torch.randn(1)
    assert seeded(lambda: torch.rand(1)) == seeded(lambda: torch.rand(1))


def test_state_round_trip_restores_every_cached_value():
    torch.manual_seed(9)
    torch.rand(100)
    torch.randn(3)
    state = torch.get_rng_state()
    assert state.dtype == torch.uint8
    assert state.numel() == 5056
    first = [torch.randn(5).tolist(), torch.rand(700).tolist(), torch.randperm(9).tolist()]
    torch.set_rng_state(state)
    assert [torch.randn(5).tolist(), torch.rand(700).tolist(), torch.randperm(9).tolist()] == first


def test_generators_are_independent():
    g = torch.Generator()
    g.manual_seed(4)
    first = torch.rand(3, generator=g).tolist()
    torch.rand(50)
    g.manual_seed(4)
    assert torch.rand(3, generator=g).tolist() == first
    assert g.initial_seed() == 4


@pytest.mark.parametrize("size", [0, 56, 5055, 5057])
def test_a_state_of_the_wrong_size_is_refused(size):
    with pytest.raises(RuntimeError, match="size"):
        torch.set_rng_state(torch.zeros(size, dtype=torch.uint8))


def test_a_state_of_wrong_bytes_is_refused_and_changes_nothing():
    torch.manual_seed(2)
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="mt19937"):
        torch.set_rng_state(torch.zeros(5056, dtype=torch.uint8))
    hostile = before.clone()
    hostile[8:12] = torch.tensor([0xFF, 0x02, 0, 0], dtype=torch.uint8)  # left = 767, beyond the 624 words
    with pytest.raises(RuntimeError, match="mt19937"):
        torch.set_rng_state(hostile)
    assert torch.get_rng_state().tolist() == before.tolist()


@pytest.mark.parametrize("high", [1, 2, 10, 2**28 - 1, 2**28, 2**31, 2**32 + 1, 2**62])
def test_randint_stays_in_range(high):
    torch.manual_seed(0)
    x = torch.randint(0, high, (2000,))
    assert x.min().item() >= 0
    assert x.max().item() < high


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
def test_random_fills_the_non_negative_range(dtype):
    torch.manual_seed(0)
    x = torch.empty(5000, dtype=dtype).random_()
    top = torch.iinfo(dtype).max
    assert x.min().item() >= 0
    assert x.max().item() > top * 0.9


@pytest.mark.parametrize("n", [0, 1, 2, 10, 1000])
def test_randperm_is_a_permutation(n):
    torch.manual_seed(0)
    assert sorted(torch.randperm(n).tolist()) == list(range(n))


@pytest.mark.parametrize("p", [0.0, 0.25, 1.0])
def test_bernoulli_has_the_right_mean(p):
    torch.manual_seed(0)
    x = torch.empty(50_000).bernoulli_(p)
    assert x.mean().item() == pytest.approx(p, abs=0.01)
    assert set(x.tolist()) <= {0.0, 1.0}
    y = torch.bernoulli(torch.full((50_000,), p))
    assert y.mean().item() == pytest.approx(p, abs=0.01)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: torch.empty(3).bernoulli_(1.5), RuntimeError, "1.5"),
        (lambda: torch.empty(3).exponential_(-1.0), RuntimeError, "lambda"),
        (lambda: torch.empty(3).normal_(0, -1), RuntimeError, "std"),
        (lambda: torch.empty(3).uniform_(3, 1), RuntimeError, "from"),
        (lambda: torch.empty(3, dtype=torch.int32).uniform_(), NotImplementedError, "Int"),
        (lambda: torch.empty(3, dtype=torch.int32).normal_(), NotImplementedError, "Int"),
        (lambda: torch.empty(3).random_(5, 3), RuntimeError, "from"),
        (lambda: torch.bernoulli(torch.full((3,), 2.0)), RuntimeError, "p_in"),
        (lambda: torch.randperm(-1), RuntimeError, "-1"),
    ],
)
def test_bad_arguments_are_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_random_numbers_do_not_depend_on_the_number_of_threads(dtype):
    threads = torch.get_num_threads()
    try:
        results = []
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            torch.manual_seed(0)
            normal = torch.randn(100_003, dtype=dtype)
            results.append((normal, torch.empty(100_003, dtype=dtype).exponential_()))
    finally:
        torch.set_num_threads(threads)
    for normal, exponential in results[1:]:
        assert torch.equal(normal, results[0][0])
        assert torch.equal(exponential, results[0][1])
