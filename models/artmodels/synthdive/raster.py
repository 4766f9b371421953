"""The ray caster: rounded cones, boxes, a wall, the water; compiled with numba, deterministic.

A primitive is one row of PRIM floats:
0-2 origin, 3-11 local axes as rows (x front, y along, z right), 12-14 scale of the axes,
15 radius at the origin, 16 radius at the far end, 17 length, 18 kind (0 rounded cone, 1 box with
half sizes in 12-14), 19 part (-1 none), 20 pattern, 21-29 three colours (linear 0..1), 30-33
parameters of the pattern.
Patterns: 0 plain; 1 head; 2 torso in a one-piece suit; 3 bare torso; 4 upper part in the suit;
5 pelvis with a coloured front; 6 stripes.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

PRIM = 34


@njit(cache=True, error_model="numpy")
def _pattern(
    c: np.ndarray, x: float, y: float, z: float, nx: float, ny: float, nz: float, along: float
) -> tuple[float, float, float]:
    """Colour of a body surface point; (nx, ny, nz) local normal, ``along`` 0..1."""
    r, g, b = c[21], c[22], c[23]
    kind = int(c[20])
    use = 0
    dark = 1.0
    if kind == 1:  # a hair, b skin
        use = 1
        fringe = 0.10 + c[30]
        if nx < fringe and ny > -0.45 - c[31] or ny > 0.62 or (nx < 0.45 and ny > 0.35):
            use = 0
        elif nx > 0.6:
            az = abs(nz)
            if 0.05 < ny < 0.3 and 0.17 < az < 0.5:
                dark = 0.15
            elif 0.34 < ny < 0.46 and 0.12 < az < 0.52:
                dark = 0.4
            elif -0.55 < ny < -0.38 and az < 0.3:
                use = 2
                dark = 0.75
    elif kind == 2:  # a suit, b skin, c panel
        if nx < -0.1:
            strap = abs(abs(nz) - 0.35 * along) < 0.16 and along > 0.25
            low = along < 0.12 + c[30]
            if not (strap or low):
                use = 1
                if abs(nz) < 0.07:
                    dark = 0.72
        else:
            if along > 0.86 and abs(nz) < 0.45:
                use = 1
            elif nx > 0.35 and abs(nz) < 0.38:
                use = 2
    elif kind == 3:  # b skin
        use = 1
        if nx > 0.2:
            if abs(along - c[31]) < 0.05 and 0.12 < abs(nz) < 0.75:
                dark = 0.68
            elif abs(nz) < 0.06:
                dark = 0.78
            elif along > c[31] + 0.08 and abs(abs(nz) - 0.45) < 0.09 and along < c[31] + 0.22:
                dark = 0.55
        elif nx < -0.1:
            dark = 0.86
            if abs(nz) < 0.1:
                dark = 0.6
    elif kind == 4:
        use = 0 if along < c[30] else 1
        if use == 0 and abs(nz) > 0.85:
            use = 2
    elif kind == 5:
        if nx > 0.3 and abs(nz) < 0.5:
            use = 2
    elif kind == 6:
        s = (x * c[30] + y * c[31] + z * c[32]) % 1.0
        use = 0 if s < 0.5 else 1
    if use == 1:
        r, g, b = c[24], c[25], c[26]
    elif use == 2:
        r, g, b = c[27], c[28], c[29]
    return r * dark, g * dark, b * dark


@njit(cache=True, error_model="numpy")
def draw(
    prims: np.ndarray,
    eye: np.ndarray,
    axes: np.ndarray,
    focal: float,
    light: np.ndarray,
    ambient: np.ndarray,
    width: int,
    height: int,
    rgb: np.ndarray,
    depth: np.ndarray,
    ids: np.ndarray,
) -> None:
    """Cast all primitives into rgb [H, W, 3], depth [H, W] (1e9 = nothing) and ids [H, W].

    ``axes`` rows: camera right, up, towards the viewer. Only what is over the water (y > 0) is
    drawn. ``light``: direction to the light (0-2) and its colour (3-5); ``ambient`` [3].
    """
    cx, cy = width * 0.5, height * 0.5
    for i in range(prims.shape[0]):
        c = prims[i]
        box = c[18] > 0.5
        x0, y0, x1, y1 = 1e9, 1e9, -1e9, -1e9
        for k in range(8 if box else 2):
            if box:
                sx = c[12] if k & 1 else -c[12]
                sy = c[13] if k & 2 else -c[13]
                sz = c[14] if k & 4 else -c[14]
                reach = 0.0
            else:
                sx, sz = 0.0, 0.0
                sy = c[17] * c[13] * k
                reach = (c[15] if k == 0 else c[16]) * max(c[12], c[13], c[14])
            px = c[0] + sx * c[3] + sy * c[6] + sz * c[9] - eye[0]
            py = c[1] + sx * c[4] + sy * c[7] + sz * c[10] - eye[1]
            pz = c[2] + sx * c[5] + sy * c[8] + sz * c[11] - eye[2]
            d = -(px * axes[2, 0] + py * axes[2, 1] + pz * axes[2, 2])
            d = max(d - reach, 0.3)
            u = cx + focal * (px * axes[0, 0] + py * axes[0, 1] + pz * axes[0, 2]) / d
            v = cy - focal * (px * axes[1, 0] + py * axes[1, 1] + pz * axes[1, 2]) / d
            q = focal * reach / d * 1.02 + 1.0
            x0, x1 = min(x0, u - q), max(x1, u + q)
            y0, y1 = min(y0, v - q), max(y1, v + q)
        xa, xb = max(0, int(x0)), min(width, int(x1) + 1)
        ya, yb = max(0, int(y0)), min(height, int(y1) + 1)
        if xa >= xb or ya >= yb:
            continue
        # The eye in the local, scaled frame.
        ex, ey, ez = eye[0] - c[0], eye[1] - c[1], eye[2] - c[2]
        ox = ex * c[3] + ey * c[4] + ez * c[5]
        oy = ex * c[6] + ey * c[7] + ez * c[8]
        oz = ex * c[9] + ey * c[10] + ez * c[11]
        ox, oy, oz = ox / c[12], oy / c[13], oz / c[14]
        r0, r1, length = c[15], c[16], c[17]
        slope = (r1 - r0) / length if length > 0 else 0.0
        # The camera's axes in the local, scaled frame.
        gxx = (axes[0, 0] * c[3] + axes[0, 1] * c[4] + axes[0, 2] * c[5]) / c[12]
        gxy = (axes[1, 0] * c[3] + axes[1, 1] * c[4] + axes[1, 2] * c[5]) / c[12]
        gxz = (axes[2, 0] * c[3] + axes[2, 1] * c[4] + axes[2, 2] * c[5]) / c[12]
        gyx = (axes[0, 0] * c[6] + axes[0, 1] * c[7] + axes[0, 2] * c[8]) / c[13]
        gyy = (axes[1, 0] * c[6] + axes[1, 1] * c[7] + axes[1, 2] * c[8]) / c[13]
        gyz = (axes[2, 0] * c[6] + axes[2, 1] * c[7] + axes[2, 2] * c[8]) / c[13]
        gzx = (axes[0, 0] * c[9] + axes[0, 1] * c[10] + axes[0, 2] * c[11]) / c[14]
        gzy = (axes[1, 0] * c[9] + axes[1, 1] * c[10] + axes[1, 2] * c[11]) / c[14]
        gzz = (axes[2, 0] * c[9] + axes[2, 1] * c[10] + axes[2, 2] * c[11]) / c[14]
        for row in range(ya, yb):
            b = (cy - row - 0.5) / focal
            bx, by, bz = gxy * b - gxz, gyy * b - gyz, gzy * b - gzz
            for col in range(xa, xb):
                a = (col + 0.5 - cx) / focal
                dx, dy, dz = gxx * a + bx, gyx * a + by, gzx * a + bz
                best = depth[row, col]
                hit = False
                nx, ny, nz = 0.0, 0.0, 0.0
                along = 0.0
                if box:
                    ta = (-1.0 - ox) / dx
                    tb = (1.0 - ox) / dx
                    near, far = min(ta, tb), max(ta, tb)
                    nx = -1.0 if dx > 0 else 1.0
                    ta = (-1.0 - oy) / dy
                    tb = (1.0 - oy) / dy
                    if min(ta, tb) > near:
                        near = min(ta, tb)
                        nx, ny = 0.0, -1.0 if dy > 0 else 1.0
                    far = min(far, max(ta, tb))
                    ta = (-1.0 - oz) / dz
                    tb = (1.0 - oz) / dz
                    if min(ta, tb) > near:
                        near = min(ta, tb)
                        nx, ny, nz = 0.0, 0.0, -1.0 if dz > 0 else 1.0
                    far = min(far, max(ta, tb))
                    if 0.0 < near < far and near < best:
                        hit = True
                        best = near
                else:
                    if length > 0:
                        # x^2 + z^2 = (r0 + slope y)^2 between the ends
                        q0 = r0 + slope * oy
                        qa = dx * dx + dz * dz - slope * slope * dy * dy
                        qb = ox * dx + oz * dz - q0 * slope * dy
                        qc = ox * ox + oz * oz - q0 * q0
                        disc = qb * qb - qa * qc
                        if disc > 0 and abs(qa) > 1e-12:
                            t = (-qb - math.sqrt(disc)) / qa
                            y = oy + t * dy
                            if 0.0 <= y <= length and 0.0 < t < best:
                                hit = True
                                best = t
                                nx = ox + t * dx
                                nz = oz + t * dz
                                ny = -slope * (r0 + slope * y)
                                along = y / length
                    qa = dx * dx + dy * dy + dz * dz
                    for k in range(2 if length > 0 else 1):
                        rr = r0 if k == 0 else r1
                        yy = oy if k == 0 else oy - length
                        qb = ox * dx + yy * dy + oz * dz
                        qc = ox * ox + yy * yy + oz * oz - rr * rr
                        disc = qb * qb - qa * qc
                        if disc > 0:
                            t = (-qb - math.sqrt(disc)) / qa
                            if 0.0 < t < best:
                                hit = True
                                best = t
                                nx, ny, nz = ox + t * dx, yy + t * dy, oz + t * dz
                                along = float(k)
                if not hit:
                    continue
                wx = axes[0, 0] * a + axes[1, 0] * b - axes[2, 0]
                wy = axes[0, 1] * a + axes[1, 1] * b - axes[2, 1]
                wz = axes[0, 2] * a + axes[1, 2] * b - axes[2, 2]
                if eye[1] + best * wy < 0.0:
                    continue
                s = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz)
                nx, ny, nz = nx * s, ny * s, nz * s
                lx, ly, lz = ox + best * dx, oy + best * dy, oz + best * dz
                cr, cg, cb = _pattern(c, lx, ly, lz, nx, ny, nz, along)
                # The normal in the world.
                mx, my, mz = nx / c[12], ny / c[13], nz / c[14]
                gx = mx * c[3] + my * c[6] + mz * c[9]
                gy = mx * c[4] + my * c[7] + mz * c[10]
                gz = mx * c[5] + my * c[8] + mz * c[11]
                s = 1.0 / math.sqrt(gx * gx + gy * gy + gz * gz)
                gx, gy, gz = gx * s, gy * s, gz * s
                lam = max(0.0, gx * light[0] + gy * light[1] + gz * light[2])
                sky = 0.78 + 0.22 * gy
                rim = -(gx * wx + gy * wy + gz * wz) / math.sqrt(wx * wx + wy * wy + wz * wz)
                shine = 0.10 * lam**12 if not box else 0.0
                edge = 0.72 + 0.28 * min(1.0, max(0.0, rim) * 1.8)
                rgb[row, col, 0] = cr * (ambient[0] * sky + light[3] * lam) * edge + shine
                rgb[row, col, 1] = cg * (ambient[1] * sky + light[4] * lam) * edge + shine
                rgb[row, col, 2] = cb * (ambient[2] * sky + light[5] * lam) * edge + shine
                depth[row, col] = best
                ids[row, col] = int(c[19])


@njit(cache=True, error_model="numpy")
def _texel(tex: np.ndarray, u: float, v: float) -> tuple[float, float, float]:
    """Bilinear sample of tex [H, W, 3], u wrapped, v clamped, both in texels."""
    h, w = tex.shape[0], tex.shape[1]
    u = u % w
    v = min(max(v, 0.0), h - 1.001)
    iu, iv = int(u), int(v)
    iu = min(iu, w - 1)
    fu, fv = u - iu, v - iv
    ju = iu + 1 if iu + 1 < w else 0
    a, b, c, d = (1 - fu) * (1 - fv), fu * (1 - fv), (1 - fu) * fv, fu * fv
    r = tex[iv, iu, 0] * a + tex[iv, ju, 0] * b + tex[iv + 1, iu, 0] * c + tex[iv + 1, ju, 0] * d
    g = tex[iv, iu, 1] * a + tex[iv, ju, 1] * b + tex[iv + 1, iu, 1] * c + tex[iv + 1, ju, 1] * d
    e = tex[iv, iu, 2] * a + tex[iv, ju, 2] * b + tex[iv + 1, iu, 2] * c + tex[iv + 1, ju, 2] * d
    return r, g, e


@njit(cache=True, error_model="numpy")
def backdrop(
    eye: np.ndarray,
    axes: np.ndarray,
    focal: float,
    tex: np.ndarray,
    per_metre: float,
    wall_z: float,
    water: np.ndarray,
    foam: np.ndarray,
    time: float,
    out: np.ndarray,
) -> None:
    """Fill out [H, W, 3] with the wall at z = ``wall_z`` and the water at y = 0.

    ``tex`` [h, w, 3] float 0..1, its last row at the water line, ``per_metre`` texels a metre.
    ``water``: colour (0-2), share of reflection (3), height (4) and length (5) of ripples.
    ``foam``: x, z, radius, strength. ``time`` in seconds moves the ripples.
    """
    height, width = out.shape[0], out.shape[1]
    bottom = tex.shape[0] - 2.0
    across = per_metre if wall_z < 0 else -per_metre  # so that words read the right way round
    for row in range(height):
        b = (height * 0.5 - row - 0.5) / focal
        for col in range(width):
            a = (col + 0.5 - width * 0.5) / focal
            wx = axes[0, 0] * a + axes[1, 0] * b - axes[2, 0]
            wy = axes[0, 1] * a + axes[1, 1] * b - axes[2, 1]
            wz = axes[0, 2] * a + axes[1, 2] * b - axes[2, 2]
            t_wall = (wall_z - eye[2]) / wz
            if t_wall <= 0:
                t_wall = 1e4
            x = eye[0] + t_wall * wx
            y = eye[1] + t_wall * wy
            if y > 0:
                r, g, e = _texel(tex, x * across, bottom - y * per_metre)
            else:
                t = -eye[1] / wy
                px, pz = eye[0] + t * wx, eye[2] + t * wz
                k = water[5]
                s = math.sin(k * px + 1.7 * k * pz + 2.1 * time)
                s += math.sin(-1.9 * k * px + 0.8 * k * pz + 2.9 * time + 1.3)
                s += math.sin(3.1 * k * px + 2.3 * k * pz - 3.7 * time + s)
                s *= water[4]
                mx = (x + 0.6 * s) * across
                my = bottom + y * per_metre * (1 + 0.3 * s) - 1.5 * abs(s) * per_metre
                r, g, e = _texel(tex, mx, my)
                share = water[3] * (1.0 + 0.5 * s)
                lift = 1.0 + 0.35 * s
                r = r * share + water[0] * (1 - share) * lift
                g = g * share + water[1] * (1 - share) * lift
                e = e * share + water[2] * (1 - share) * lift
                if foam[3] > 0:
                    d = math.sqrt((px - foam[0]) ** 2 + (pz - foam[1]) ** 2) / foam[2]
                    if d < 1.3:
                        q = math.sin(9.0 * px + 5 * time) * math.sin(11.0 * pz - 4 * time + 2 * s)
                        f = foam[3] * max(0.0, 1.0 - abs(d - 0.55) * 1.4) * (0.65 + 0.35 * q)
                        f = min(1.0, f)
                        r, g, e = r + (0.95 - r) * f, g + (0.97 - g) * f, e + (1.0 - e) * f
            out[row, col, 0] = r
            out[row, col, 1] = g
            out[row, col, 2] = e


@njit(cache=True, error_model="numpy")
def resolve(
    rgb: np.ndarray, depth: np.ndarray, back: np.ndarray, scale: int, weight: float, out: np.ndarray
) -> None:
    """Average ``scale`` x ``scale`` samples over the backdrop; add ``weight`` times it to out."""
    height, width = out.shape[0], out.shape[1]
    share = weight / (scale * scale)
    for row in range(height):
        for col in range(width):
            r, g, b = 0.0, 0.0, 0.0
            free = 0
            for i in range(row * scale, (row + 1) * scale):
                for j in range(col * scale, (col + 1) * scale):
                    if depth[i, j] < 1e8:
                        r += rgb[i, j, 0]
                        g += rgb[i, j, 1]
                        b += rgb[i, j, 2]
                    else:
                        free += 1
            out[row, col, 0] += share * (r + free * back[row, col, 0])
            out[row, col, 1] += share * (g + free * back[row, col, 1])
            out[row, col, 2] += share * (b + free * back[row, col, 2])


@njit(cache=True, error_model="numpy")
def extents(ids: np.ndarray, parts: int, boxes: np.ndarray, counts: np.ndarray) -> None:
    """Fill pixel boxes [parts, 4] (xyxy, far edges exclusive) and counts [parts] of ids."""
    for p in range(parts):
        boxes[p, 0], boxes[p, 1], boxes[p, 2], boxes[p, 3] = 1e9, 1e9, -1e9, -1e9
        counts[p] = 0
    for row in range(ids.shape[0]):
        for col in range(ids.shape[1]):
            p = ids[row, col]
            if p >= 0:
                counts[p] += 1
                boxes[p, 0] = min(boxes[p, 0], col)
                boxes[p, 1] = min(boxes[p, 1], row)
                boxes[p, 2] = max(boxes[p, 2], col + 1)
                boxes[p, 3] = max(boxes[p, 3], row + 1)


def empty_prims(count: int) -> np.ndarray:
    """``count`` plain primitives without size, [count, PRIM]."""
    prims = np.zeros((count, PRIM))
    prims[:, [3, 7, 11]] = 1.0
    prims[:, 12:15] = 1.0
    prims[:, 19] = -1
    return prims
