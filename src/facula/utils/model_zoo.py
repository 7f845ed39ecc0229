"""torch.utils.model_zoo: the older door to torch.hub's downloads. Re-exports only."""

from facula.hub import load_state_dict_from_url

__all__ = ["load_state_dict_from_url", "load_url"]

load_url = load_state_dict_from_url
