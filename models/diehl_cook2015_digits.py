#!/usr/bin/env python3
"""Draws the digits that diehl_cook2015.cortex learns.

    diehl_cook2015_digits.py > diehl_cook2015_digits.csv

Each digit is a few strokes in the unit square, drawn by a round pen after a random shift, slant, stretch and turn. A row
is one picture: 14 x 14 greys from 0 to 9, row by row. Picture k shows the digit k % 10."""

import math
import random

SIDE, PICTURES, PEN = 14, 100, 0.055


def arc(x, y, rx, ry, start, end, points=24):
    """Points of an ellipse from one angle to the other, in degrees; 0 is to the right, 90 is down."""
    angles = (math.radians(start + (end - start) * k / points) for k in range(points + 1))
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


STROKES = [
    [arc(0.5, 0.5, 0.28, 0.42, 0, 360)],
    [[(0.35, 0.25), (0.55, 0.08), (0.55, 0.92)]],
    [arc(0.5, 0.32, 0.26, 0.24, 180, 390) + [(0.24, 0.9), (0.78, 0.9)]],
    [arc(0.47, 0.29, 0.26, 0.21, 190, 450), arc(0.47, 0.70, 0.28, 0.22, -90, 170)],
    [[(0.62, 0.92), (0.62, 0.08), (0.2, 0.64), (0.82, 0.64)]],
    [[(0.75, 0.1), (0.32, 0.1), (0.29, 0.45)] + arc(0.48, 0.66, 0.27, 0.25, 235, 510)],
    [arc(0.62, 0.62, 0.4, 0.55, 260, 175) + arc(0.5, 0.68, 0.27, 0.24, 180, 540)],
    [[(0.22, 0.1), (0.78, 0.1), (0.42, 0.92)]],
    [arc(0.5, 0.29, 0.22, 0.2, 0, 360), arc(0.5, 0.7, 0.26, 0.21, 0, 360)],
    [arc(0.5, 0.32, 0.26, 0.23, 0, 360), [(0.76, 0.32), (0.72, 0.65), (0.58, 0.92)]],
]


def picture(digit, chance):
    """Greys of one picture of a digit."""
    dx, dy, slant, turn = chance.gauss(0, 0.03), chance.gauss(0, 0.03), chance.gauss(0, 0.1), chance.gauss(0, 0.06)
    wide, high, pen = chance.gauss(0.9, 0.06), chance.gauss(0.9, 0.05), PEN * chance.uniform(0.9, 1.2)

    def place(x, y):
        x, y = (x - 0.5) * wide, (y - 0.5) * high
        x -= slant * y
        return (0.5 + dx + x * math.cos(turn) - y * math.sin(turn), 0.5 + dy + x * math.sin(turn) + y * math.cos(turn))

    lines = []
    for stroke in STROKES[digit]:
        points = [place(x, y) for x, y in stroke]
        lines += zip(points, points[1:])
    greys = []
    for row in range(SIDE):
        for column in range(SIDE):
            x, y = (column + 0.5) / SIDE, (row + 0.5) / SIDE
            near = min(distance(x, y, *a, *b) for a, b in lines)
            greys.append(round(9 * math.exp(-0.5 * (near / pen) ** 2)))
    return greys


def distance(x, y, ax, ay, bx, by):
    """Of a point to the line from a to b."""
    length = (bx - ax) ** 2 + (by - ay) ** 2
    along = min(max(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0), 1) if length else 0
    return math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay))


def main():
    chance = random.Random(2015)
    for k in range(PICTURES):
        print(",".join(map(str, picture(k % 10, chance))))


main()
