#!/usr/bin/env python3
"""Draws the raster of an output file as an SVG: every spike a tick, a band per layer in the order of the model, its mean rate
beside it. Needs h5py only.

    raster.py OUT.h5 RASTER.svg [FROM_MS TO_MS]"""

import sys

import h5py

# Okabe & Ito's colours, which the colour-blind tell apart, without yellow (too pale on white).
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000"]
WIDTH, ROW, GAP, LEFT, RIGHT, TOP, BOTTOM = 900, 0.2, 7, 74, 74, 34, 40
INK, PALE = "#222222", "#888888"


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def main():
    with h5py.File(sys.argv[1], "r") as f:
        table, about = f["/cortexc/populations"], f["/cortexc"].attrs
        names = [text(n) for n in table["name"][()]]
        cells, spikes = table["cells"][()], table["spikes"][()]
        title, duration = text(about["title"]), float(about["duration"])
        trains = {n: (f[f"/spikes/{n}/timestamps"][()], f[f"/spikes/{n}/node_ids"][()]) for n in names if n in f.get("/spikes", {})}
    start, stop = (float(sys.argv[3]), float(sys.argv[4])) if len(sys.argv) > 4 else (0.0, duration)
    wide = WIDTH - LEFT - RIGHT
    height = TOP + BOTTOM + ROW * int(cells.sum()) + GAP * (len(names) - 1)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}" '
           f'font-family="sans-serif" font-size="13" fill="{INK}">',
           f'<title>Spikes of the model {title}</title>', f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>',
           f'<text x="{LEFT}" y="20" font-size="14">{title}: {int(cells.sum())} neurons, {int(spikes.sum())} spikes</text>',
           f'<text x="{WIDTH - RIGHT + 8}" y="20" fill="{PALE}">rate</text>']
    y = float(TOP)
    for k, name in enumerate(names):
        band, colour = ROW * int(cells[k]), COLOURS[k % len(COLOURS)]
        middle = y + band / 2 + 4.5
        out.append(f'<rect x="{LEFT}" y="{y:.1f}" width="{wide}" height="{band:.1f}" fill="{colour}" fill-opacity="0.06"/>')
        out.append(f'<text x="{LEFT - 10}" y="{middle:.1f}" text-anchor="end" fill="{colour}" font-weight="bold">{name}</text>')
        rate = spikes[k] / cells[k] / duration * 1000
        out.append(f'<text x="{WIDTH - RIGHT + 8}" y="{middle:.1f}">{rate:.1f} Hz</text>')
        marks = []
        for t, i in zip(*trains.get(name, ([], []))):
            if start <= t < stop:
                marks.append(f"M{LEFT + wide * (t - start) / (stop - start):.0f} {y + ROW * int(i):.1f}v2")
        out.append(f'<path d="{"".join(dict.fromkeys(marks))}" stroke="{colour}" stroke-width="1.1" fill="none"/>')
        y += band + GAP
    base = y - GAP + 4
    for k in range(6):
        x = LEFT + wide * k / 5
        out.append(f'<path d="M{x:.1f} {base:.1f}v5" stroke="{PALE}"/>')
        out.append(f'<text x="{x:.1f}" y="{base + 20:.1f}" text-anchor="middle">{start + (stop - start) * k / 5:g}{" ms" if k == 5 else ""}</text>')
    out.append("</svg>\n")
    with open(sys.argv[2], "w", encoding="utf-8") as f:
        f.write("\n".join(out))


main()
