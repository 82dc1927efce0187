"""What tests of gumbel_fast.torch run in other processes, which import this module by its name.

Data loaders and torch's own launcher pickle these functions. pytest is not imported here, nor anything of the tests.
"""

import datetime
import os

import torch

import gumbel_fast.torch as gt


class Draws(torch.utils.data.Dataset):
    """Items that are drawn: the worker's number, noise, and indices, from torch's own generator of the worker."""

    def __len__(self):
        return 8

    def __getitem__(self, item):
        worker = torch.utils.data.get_worker_info()
        number = -1 if worker is None else worker.id
        return number, gt.gumbel(4, dtype=torch.float64), gt.categorical(torch.zeros(100), 10)


def module():
    torch.manual_seed(0)
    return torch.nn.Linear(5, 4)


def loss_of(network, rank):
    """A loss that is random, from data and a seed of the rank's own."""
    inputs = torch.randn(6, 5, generator=torch.Generator().manual_seed(rank))
    torch.manual_seed(100 + rank)
    logits = network(inputs)
    index, log_prob, entropy = gt.categorical(logits, return_log_prob=True, return_entropy=True)
    sample = gt.gumbel_softmax(logits, 0.7, hard=True)
    return (sample * torch.arange(4.0)).sum() + (log_prob * (index + 1)).sum() + entropy.sum()


def train_together(rank, world, folder):
    """One backward pass by DistributedDataParallel; the gradients of this rank go to a file."""
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meeting",
        rank=rank,
        world_size=world,
        timeout=datetime.timedelta(seconds=60),
    )
    network = torch.nn.parallel.DistributedDataParallel(module())
    loss_of(network, rank).backward()
    torch.save([parameter.grad for parameter in network.parameters()], f"{folder}/{rank}.pt")
    torch.distributed.barrier()  # the file where they met goes with the last
    torch.distributed.destroy_process_group()
