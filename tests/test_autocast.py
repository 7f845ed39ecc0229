"""autocast and GradScaler without torch at hand: state, nesting, threads, the cache of cast weights, transforms."""

import pickle
import threading

import pytest

import facula as torch

A = torch.ones(2, 2)


def test_region_and_nesting():
    assert (A @ A).dtype == torch.float32
    with torch.autocast("cpu"):
        assert torch.is_autocast_enabled("cpu") and (A @ A).dtype == torch.bfloat16
        with torch.autocast("cpu", enabled=False):
            assert (A @ A).dtype == torch.float32
        with torch.autocast("cpu", dtype=torch.float16):
            assert (A @ A).dtype == torch.float16
        assert torch.get_autocast_dtype("cpu") == torch.bfloat16 and (A @ A).dtype == torch.bfloat16
    assert not torch.is_autocast_enabled("cpu") and (A @ A).dtype == torch.float32


def test_state_returns_after_an_exception():
    with pytest.raises(RuntimeError), torch.autocast("cpu"):
        A @ torch.ones(3, 3)
    assert not torch.is_autocast_enabled("cpu")


def test_one_object_may_be_entered_twice_and_decorates():
    region = torch.autocast("cpu")

    @region
    def product():
        return A @ A

    with region, region:
        assert product().dtype == torch.bfloat16
    assert product().dtype == torch.bfloat16 and not torch.is_autocast_enabled("cpu")


def test_of_this_thread_only():
    seen = []
    with torch.autocast("cpu"):
        thread = threading.Thread(target=lambda: seen.append((A @ A).dtype))
        thread.start()
        thread.join()
    assert seen == [torch.float32]


def test_gradients_flow_through_the_casts():
    w = torch.full((2, 2), 0.5, requires_grad=True)
    with torch.autocast("cpu"):
        loss = torch.nn.functional.mse_loss(A @ w, A)
    loss.backward()
    assert loss.dtype == torch.float32 and w.grad.dtype == torch.float32 and w.grad.abs().sum() == 0


def test_a_weight_is_cast_once_and_anew_after_it_changed():
    w = torch.ones(2, 2, requires_grad=True)
    with torch.autocast("cpu"):
        first, second = A @ w, A @ w
        casts = [y.grad_fn.next_functions[1][0] for y in (first, second)]
        assert casts[0] is casts[1]
        with torch.no_grad():
            w.mul_(2.0)
        assert (A @ w)[0, 0] == 4.0
        with torch.autocast("cpu", cache_enabled=False):
            assert (A @ w).grad_fn.next_functions[1][0] is not casts[0]
    with torch.autocast("cpu"):
        (A @ w).sum().backward()
    assert w.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_a_weight_first_used_without_gradient_still_gets_one():
    w = torch.ones(2, 2, requires_grad=True)
    with torch.autocast("cpu"):
        with torch.no_grad():
            A @ w
        assert (A @ w).requires_grad


def test_with_vmap_and_checkpoint():
    from facula.utils.checkpoint import checkpoint

    x = torch.ones(3, 2, 2, requires_grad=True)
    with torch.autocast("cpu"):
        assert torch.vmap(lambda a: a @ a)(x).dtype == torch.bfloat16
        kept = checkpoint(lambda a: (a @ a).exp(), x, use_reentrant=False)
    kept.sum().backward()
    assert kept.dtype == torch.bfloat16 and x.grad.dtype == torch.float32


def test_scaler_is_pickled_between_iterations_only():
    w = torch.ones(1, requires_grad=True)
    optimizer, scaler = torch.optim.SGD([w], lr=1.0), torch.amp.GradScaler("cpu", init_scale=4.0)
    scaler.scale(w.sum()).backward()
    scaler.step(optimizer)
    with pytest.raises(AssertionError, match="pickled"):
        pickle.dumps(scaler)
    scaler.update()
    assert pickle.loads(pickle.dumps(scaler)).state_dict() == scaler.state_dict()


def test_scaler_refuses_half_gradients_and_wrong_order():
    w = torch.ones(1, dtype=torch.float16, requires_grad=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    optimizer = torch.optim.SGD([w], lr=1.0)
    scaler.scale(w.sum()).backward()
    with pytest.raises(ValueError, match="FP16"):
        scaler.unscale_(optimizer)
    v = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([v], lr=1.0)
    v.grad = torch.ones(1)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="already been called"):
        scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="after step"):
        scaler.unscale_(optimizer)
