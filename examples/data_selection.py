"""Select training documents by importance, on a cluster of two workers of which one is killed on the way.

    python examples/data_selection.py
    python examples/data_selection.py -k 500 --temperature 3

A language model is to be trained for a domain. Of the domain there are a few hundred documents, and there is a large
pool of anything, of which one document in twelve is of the domain. Data selection with importance resampling (DSIR: S.
M. Xie, S. Santurkar, T. Ma and P. Liang, NeurIPS 2023) finds those in the pool that look like the few:

1. Each document becomes counts of hashed features: its words and pairs of words, in 10,000 buckets.
2. The log importance weight of a document is the sum, over its features, of log(share among the few) - log(share in the
   pool). These are logits: what is wanted of each document is only how much likelier it is under one than the other.
3. k documents are drawn without replacement by weight. That is the Gumbel top-k: each logit gets noise, and the k
   greatest sums win.

The k greatest logits without noise would be most typical of the domain, and most alike. With noise the less typical
come in as well, each by its weight. `temperature` divides the logits: the features of a document repeat the same
evidence, so that their sum is too sure of itself.

The pool lies in Parquet files, which the workers read, score and write as Parquet files of logits, a file at a time.
`gumbel_fast.dask` then draws from those. The noise is a function of the seed and a document's place in the pool. So the
documents drawn are, bit for bit, those that one machine draws from the whole pool, in however many pieces and on any
workers; also where a worker dies and its tasks run again on another, which is shown by killing one.

The text is made of word lists, by a seed; everything lies in a folder that is gone when the program ends.
"""

import argparse
import logging
import os
import signal
import tempfile
import time
import zlib
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")  # pictures go to files alone

import dask
import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from dask.distributed import Client, LocalCluster

import gumbel_fast as gf
import gumbel_fast.dask as gd

SEED = 1111
BUCKETS = 10_000
TARGET = "medicine"
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#e69f00", "#009e73", "#6b6b6b"  # Okabe and Ito's: told apart by all eyes
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "savefig.dpi": 150})

COMMON = """
the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you
were all her she there would their we him been has when who will no more if out so up said what its about than into them
can only other time new some could these two may first then do any like my now over such our man me even most made after
"""

DOMAINS = {
    "medicine": """patient dose trial blood nurse clinic symptom therapy chronic acute tissue surgeon vaccine fever
        artery placebo insulin diagnosis ward relapse lesion tumour cardiac renal""",
    "biology": """cell tissue species protein gene blood membrane enzyme mutation fossil habitat plant bacteria trial
        larva chronic evolution organism insulin cardiac""",
    "law": """court judge appeal statute clause trial witness verdict contract party plaintiff jury sentence liable
        tribunal counsel evidence acute""",
    "cooking": """oven flour butter pan simmer garlic dough recipe salt roast dose boil spoon onion sauce pepper knead
        broth slice tissue""",
    "sport": """match goal team coach league score referee season trial penalty sprint record relay injury surgeon
        striker final defeat ward""",
    "travel": """train hotel coast island ticket harbour road museum guide fever valley ferry luggage airport village
        bridge nurse market""",
}
COMMON = COMMON.split()
DOMAINS = {name: words.split() for name, words in DOMAINS.items()}


# ------------------------------------------------------------------------------------------------------------- the text


def write_documents(path, domains, rng):
    """Write a document of each given domain: 10 to 30 words, some of them of a domain, mostly of its own."""
    lengths = rng.integers(10, 31, size=len(domains))
    document = np.repeat(np.arange(len(domains)), lengths)
    special = rng.random(len(document)) < rng.beta(2, 4, size=len(domains))[document]
    stray = rng.random(len(document)) < 0.4
    names = np.array(list(DOMAINS))
    domain = np.where(stray, rng.choice(names, size=len(document)), domains[document])
    words = np.array(COMMON, object)[(len(COMMON) * rng.random(len(document)) ** 2).astype(int)]  # the first most often
    for name, own in DOMAINS.items():
        mine = special & (domain == name)
        words[mine] = np.array(own, object)[(len(own) * rng.random(mine.sum()) ** 1.5).astype(int)]
    texts = [" ".join(part) for part in np.split(words, np.cumsum(lengths)[:-1])]
    pq.write_table(pa.table({"domain": domains, "text": texts}), path)


def write_pool(folder, documents, files):
    """Write the few documents of the domain and the pool; return their paths."""
    rng = np.random.default_rng(SEED)
    few = folder / "target.parquet"
    write_documents(few, np.full(1_000, TARGET), rng)
    pool = [folder / f"pool-{number}.parquet" for number in range(files)]
    others = [name for name in DOMAINS if name != TARGET]
    for path in pool:
        of_target = rng.random(documents // files) < 1 / 12
        write_documents(path, np.where(of_target, TARGET, rng.choice(others, size=len(of_target))), rng)
    return few, pool


# ---------------------------------------------------------------------------------------------------------- the weights


def features(path):
    """Return the features of a file's documents: which document each is in, and its bucket."""
    lists = pc.split_pattern(pq.read_table(path, columns=["text"])["text"], " ").combine_chunks()
    lengths = pc.list_value_length(lists).to_numpy()
    encoded = lists.flatten().dictionary_encode()
    hashes = np.array([zlib.crc32(word.encode()) for word in encoded.dictionary.to_pylist()], np.uint64)
    word = hashes[encoded.indices.to_numpy()]
    document = np.repeat(np.arange(len(lengths)), lengths)
    inside = document[1:] == document[:-1]  # no pair goes from one document into the next
    pair = ((word[:-1] << 32 | word[1:]) * 0x9E3779B97F4A7C15 >> 32)[inside]
    return np.concatenate([document, document[1:][inside]]), (np.concatenate([word, pair]) % BUCKETS).astype(np.int64)


def counts(path):
    """Return how often each bucket is in a file."""
    _, bucket = features(path)
    return np.bincount(bucket, minlength=BUCKETS)


def log_shares(counted):
    return np.log(counted + 0.5) - np.log(np.sum(counted + 0.5))  # a bucket that was never seen has a share too


def score(path, ratio):
    """Write a file's log importance weights beside it, and return that path."""
    document, bucket = features(path)
    logits = np.bincount(document, ratio[bucket])
    scored = path.with_name(path.name.replace("pool", "logits"))
    pq.write_table(pa.table({"logit": logits}), scored)
    return scored


def score_all(few, pool):
    """Score the pool on the cluster: one pass counts, another one scores."""
    of_few, *of_pool = dask.compute(*[dask.delayed(counts)(path) for path in [few, *pool]])
    ratio = log_shares(of_few) - log_shares(np.sum(of_pool, axis=0))
    return list(dask.compute(*[dask.delayed(score)(path, ratio) for path in pool]))


# -------------------------------------------------------------------------------------------------------- the selection


def select(paths, k, temperature, fuse=None):
    """Draw k documents of all files on the cluster. Where there is a file `fuse`, a worker is killed on the way."""
    logits = gd.from_parquet(paths, "logit")
    if fuse is not None:
        logits = logits.map_blocks(kill_once, fuse, dtype=logits.dtype, meta=np.empty(0))
    return gd.gumbel_top_k(logits, k, temperature=temperature, rng=SEED).compute()


def kill_once(block, fuse, block_info=None):
    """Pass a block on; but the process that has the middle one, and finds the file, removes it and is killed."""
    if block_info[0]["chunk-location"][0] == block_info[0]["num-chunks"][0] // 2 and fuse.exists():
        fuse.unlink()
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    return block


def select_on_cluster(few, pool, k, temperature):
    """Score the pool, and select from it twice; the second time a worker is killed. Return the logits' paths too."""
    workers = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL)
    with workers as cluster, Client(cluster) as client:
        clock = time.perf_counter()
        paths = score_all(few, pool)
        print(f"\nTwo workers\n  scored the pool in {time.perf_counter() - clock:.2f} s")
        clock = time.perf_counter()
        undisturbed = select(paths, k, temperature)
        print(f"  drew {k:,} documents in {time.perf_counter() - clock:.2f} s")
        before = set(client.run(os.getpid).values())
        fuse = few.with_name("fuse")
        fuse.touch()
        clock = time.perf_counter()
        disturbed = select(paths, k, temperature, fuse)
        seconds = time.perf_counter() - clock
        client.wait_for_workers(2)
        killed = before - set(client.run(os.getpid).values())
        require(len(killed) == 1, f"{len(killed)} workers were killed, not one")
        require(np.array_equal(disturbed, undisturbed), "the documents depend on a worker's life")
        print(f"  drew the same ones in {seconds:.2f} s, while process {killed.pop()} was killed in the middle")
    return undisturbed, paths


# -------------------------------------------------------------------------------------------------------- what is shown


class Pool:
    """The pool's documents on one machine, to look at what was selected."""

    def __init__(self, few, pool, paths):
        self.domains = np.concatenate([pq.read_table(path)["domain"].to_numpy(zero_copy_only=False) for path in pool])
        self.logits = np.concatenate([pq.read_table(path)["logit"].to_numpy() for path in paths])
        found, first = [], 0
        for path in pool:
            document, bucket = features(path)
            found.append((document + first, bucket))
            first += document[-1] + 1
        self._document, self._bucket = map(np.concatenate, zip(*found, strict=True))
        self._of_few = log_shares(counts(few))

    def draw(self, k, temperature):
        return gf.gumbel_top_k(self.logits, k, temperature=temperature, rng=SEED)

    def share_of_target(self, selected):
        return float(np.mean(self.domains[selected] == TARGET))

    def counts(self, selected):
        """Return how often each bucket is in the selected documents."""
        chosen = np.isin(np.arange(len(self.domains)), selected)
        return np.bincount(self._bucket[chosen[self._document]], minlength=BUCKETS)

    def divergence(self, selected):
        """Return the Kullback-Leibler divergence of the selected documents' features from those of the few, in nats."""
        return float(np.sum(np.exp(self._of_few) * (self._of_few - log_shares(self.counts(selected)))))


def show_table(pool, ways):
    print(f"\n{'selected':<28} {'of ' + TARGET:>12} {'features':>10} {'nats from the few':>19}")
    for name, selected in ways.items():
        share, seen = pool.share_of_target(selected), np.count_nonzero(pool.counts(selected))
        print(f"  {name:<26} {share:>12.0%} {seen:>10,} {pool.divergence(selected):>19.3f}")


def chance(logits, k, temperature):
    """Return the chance that each document is drawn: 1 - exp(-t e^(logit / temperature)), with t such that k are."""
    low, high = -logits.max() / temperature - 50, -logits.min() / temperature + 50
    for _ in range(100):
        middle = (low + high) / 2
        chances = -np.expm1(-np.exp(np.minimum(logits / temperature + middle, 700)))
        low, high = (middle, high) if chances.sum() < k else (low, middle)
    return chances


def draw_picture(path, pool, k, temperatures):
    """Draw who is selected by logit, beside the exact chances, and what a temperature trades for what."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    order = np.argsort(pool.logits)
    _, bins = np.unique(np.clip(np.floor(pool.logits), -15, 18), return_inverse=True)  # a bin a nat
    number = np.bincount(bins)
    centre = np.bincount(bins, pool.logits) / number
    for temperature, color, marker in zip(temperatures, (BLUE, ORANGE, GREEN), "osD", strict=True):
        chances = chance(pool.logits, k, temperature)
        left.plot(pool.logits[order], chances[order], color=color, lw=1.2)
        found = np.bincount(bins[pool.draw(k, temperature)], minlength=len(number)) / number
        expected = np.bincount(bins, chances) / number
        error = 2 * np.sqrt(expected * (1 - expected) / number)
        left.errorbar(centre, found, error, fmt=marker, color=color, ms=3, lw=0.8, label=f"temperature {temperature:g}")
    last = pool.logits[order[-k]]
    ends = [pool.logits.min(), last, last, pool.logits.max()]
    left.plot(ends, [0, 0, 1, 1], "--", color=GREY, lw=1.2, label="k greatest, no noise")
    left.set(xlim=(-15, 25), xlabel="logit", ylabel="part selected", title="Who is selected: drawn and exact")
    left.legend(loc="upper left")

    places = [("evenly", np.inf), *((f"{t:g}", t) for t in (16, 8, 4, 3, 2, 1)), ("k greatest", 0)]
    points = []
    for name, temperature in places:
        selected = pool.draw(k, temperature)
        points.append((pool.share_of_target(selected), pool.divergence(selected)))
        below = temperature in (1, 2)  # where the others leave room
        right.annotate(name, points[-1], (-2, -15) if below else (2, 6), textcoords="offset points", color=GREY)
    right.plot(*np.transpose(points), "o-", color=BLUE, ms=5, lw=1.2)
    right.set(xlim=(0, 1.2), xlabel=f"part that is of {TARGET}", ylabel="nats from the features of the few")
    right.set(title="What the temperature trades", ylim=(0, 1.12 * max(divergence for _, divergence in points)))
    right.xaxis.set_major_formatter("{x:.0%}")
    right.set_xticks(np.linspace(0, 1, 6))
    figure.savefig(path)


def require(condition, complaint):
    if not condition:
        raise SystemExit(f"data_selection.py: {complaint}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Select documents by importance, on workers of which one is killed.")
    parser.add_argument("--documents", type=int, default=60_000, help="in the pool (%(default)s)")
    parser.add_argument("-k", type=int, default=2_000, help="documents to select (%(default)s)")
    parser.add_argument("--temperature", type=float, default=2.0, help="divides the logits (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path("figures"), help="folder of the figure (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a pool of 6,000 documents")
    options = parser.parse_args(arguments)
    if options.quick:
        options.documents, options.k = 6_000, 200
    options.output.mkdir(parents=True, exist_ok=True)
    k, temperature = options.k, options.temperature
    with tempfile.TemporaryDirectory() as folder:
        few, pool = write_pool(Path(folder), options.documents, files=6)
        print(f"{options.documents:,} documents in {len(pool)} Parquet files; 1,000 more show what is wanted")
        selected, paths = select_on_cluster(few, pool, k, temperature)
        at_hand = Pool(few, pool, paths)
        require(np.array_equal(selected, at_hand.draw(k, temperature)), "one machine draws other documents")
        print("One machine, the whole pool in memory\n  drew the same ones")
        ways = {
            f"{k:,} evenly": at_hand.draw(k, np.inf),
            f"{k:,} greatest, no noise": at_hand.draw(k, 0),
            **{f"{k:,} at temperature {t:g}": at_hand.draw(k, t) for t in sorted({1.0, temperature, 4.0})},
        }
        show_table(at_hand, ways)
        draw_picture(options.output / "data_selection.png", at_hand, k, (1, 2, 4))
    print(f"The figure is in {options.output}")


if __name__ == "__main__":
    main()
