"""REINFORCE with a baseline on the cart-pole: push a cart left or right so that the pole on it stays up."""

import argparse
import math

import facula as torch
from facula import nn


class CartPole:
    """Barto, Sutton and Anderson's cart-pole (1983), Euler steps of 0.02 s; 500 steps are a full score."""

    def reset(self):
        self.state = (torch.rand(4) * 0.1 - 0.05).tolist()
        self.steps = 0
        return self.state

    def step(self, action):
        x, speed, angle, turn = self.state
        force = 10.0 if action == 1 else -10.0
        sine, cosine = math.sin(angle), math.cos(angle)
        # masses 1 and 0.1 kg, half length 0.5 m
        push = (force + 0.05 * turn * turn * sine) / 1.1
        turning = (9.8 * sine - cosine * push) / (0.5 * (4 / 3 - 0.1 * cosine * cosine / 1.1))
        moving = push - 0.05 * turning * cosine / 1.1
        self.state = [x + 0.02 * speed, speed + 0.02 * moving, angle + 0.02 * turn, turn + 0.02 * turning]
        self.steps += 1
        fallen = abs(self.state[0]) > 2.4 or abs(self.state[2]) > 12 * math.pi / 180
        return self.state, fallen or self.steps >= 500


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short form, in seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--episodes", type=int, default=400)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    policy = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 2))
    value = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=1e-2)
    game = CartPole()
    recent = 0.0
    episodes = 20 if options.quick else options.episodes
    for episode in range(1, episodes + 1):
        states, actions, done = [game.reset()], [], False
        while not done:
            with torch.no_grad():
                action = torch.multinomial(policy(torch.tensor(states[-1])).softmax(-1), 1).item()
            actions.append(action)
            state, done = game.step(action)
            states.append(state)
        count = len(actions)
        seen = torch.tensor(states[:-1])
        returns = torch.tensor([(1 - 0.99 ** (count - i)) / 0.01 for i in range(count)])  # a reward of 1 for each step
        expected = value(seen).squeeze(1)
        advantage = returns - expected.detach()
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-5) if count > 1 else advantage
        chosen = policy(seen).log_softmax(-1).gather(1, torch.tensor(actions).unsqueeze(1)).squeeze(1)
        loss = -(chosen * advantage).mean() + 0.5 * nn.functional.mse_loss(expected / 100, returns / 100)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        recent = count if episode == 1 else 0.95 * recent + 0.05 * count
        if episode % max(1, episodes // 10) == 0:
            print(f"episode {episode:4}  steps {count:3}  on average {recent:5.1f}")


if __name__ == "__main__":
    main()
