// The rotary state of one attention layer, and the cosines and sines it turns
// queries and keys by. Frozen layers share one table per forward pass; learned ones compute their own.
// The arithmetic of the angles is in rotary.ts.

import { constantInit, Module, type Parameter, parameter } from "@echo-ts/autograd";
import {
  arange,
  cos,
  div,
  exp,
  full,
  log,
  mul,
  reshape,
  rotatePairs,
  sin,
  softplus,
  type Tensor,
  tensor,
  unsqueeze,
} from "@echo-ts/tensor";
import { originalName } from "./original-names.ts";
import type { PitchTrack } from "./pitch-track.ts";
import type { ModelDtype } from "./projection.ts";
import {
  type Angles,
  accumulatedAngles,
  frequenciesAt,
  geometricFrequencies,
  type RotaryConfig,
  steadyAngles,
  thetaFromPitch,
} from "./rotary.ts";
import { newTensorFrom } from "./tensor-from.ts";

/** Cosine and sine of the angles, each [B or 1, 1, T, P], to be broadcast over heads. */
export interface Rotation {
  readonly cosine: Tensor;
  readonly sine: Tensor;
}

/** What the angles of one sequence depend on. Holds the table that frozen layers share. */
export class Positions {
  readonly count: number;
  /** f0 on this sequence's clock, or null for static angles. */
  readonly track: PitchTrack | null;
  /** Position of the first element: above 0 when decoding goes on from a cache. */
  readonly start: number;
  shared: Rotation | null = null;

  constructor(count: number, track: PitchTrack | null = null, start = 0) {
    this.start = start;
    this.count = count;
    this.track = track;
  }
}

/** Turns queries or keys [B, H, T, d] by their positions. */
export function rotate(x: Tensor, { cosine, sine }: Rotation): Tensor {
  return rotatePairs(x, cosine, sine);
}

/** Rotary parameters of one attention layer. // rotary */
export class Rotary extends Module {
  readonly frequencies: Tensor; // [P]
  readonly theta: Tensor; // []
  readonly minTheta: Tensor; // []
  readonly maxTheta: Tensor; // []
  readonly pitchScale: Tensor; // []
  readonly radius: Parameter | null; // [P]
  readonly #config: RotaryConfig;
  readonly #pairs: number;

  constructor(headWidth: number, config: RotaryConfig, dtype: ModelDtype) {
    super();
    const pairs = headWidth / 2;
    const held = (learned: boolean, value: number): Tensor =>
      learned ? parameter([], constantInit(value), { dtype }) : full([], value, { dtype });
    const steady = geometricFrequencies(config.theta, pairs);
    this.frequencies = config.learned.includes("frequencies")
      ? parameter([pairs], (out) => out.set(steady), { dtype })
      : tensor(steady, { dtype });
    this.theta = held(config.learned.includes("theta"), config.theta);
    this.minTheta = full([], config.minTheta, { dtype });
    this.maxTheta = full([], config.maxTheta, { dtype });
    this.pitchScale = held(config.learned.includes("pitchScale"), config.pitchScale);
    this.radius = config.variableRadius ? parameter([pairs], constantInit(1), { dtype }) : null;
    this.#config = config;
    this.#pairs = pairs;
  }

  protected override memberName(field: string): string {
    return originalName("rotary", field) ?? super.memberName(field);
  }

  /** Cosines and sines for a sequence; shared between layers unless this layer learns its own. */
  rotation(positions: Positions, like: Tensor): Rotation {
    const { learned, variableRadius } = this.#config;
    if (learned.includes("frequencies") || learned.includes("theta"))
      return this.#learnedRotation(positions, like);
    positions.shared ??= rotationOf(this.#angles(positions), like);
    return variableRadius ? this.#scaled(positions.shared) : positions.shared;
  }

  #angles({ count, track, start }: Positions): Angles {
    const config = this.#config;
    const pairs = this.#pairs;
    if (track === null) return steadyAngles([frequenciesAt(config.theta, pairs, config)], count, start);
    if (config.pitch === "frames") return accumulatedAngles(track, pairs, config);
    return steadyAngles(
      track.angleMeans().map((hz) => frequenciesAt(thetaFromPitch(hz, config), pairs, config)),
      count,
    );
  }

  /**
   * Angles as tensors, so that gradients reach the frequencies or the base. A learned base scales the one
   * that pitch asks for: theta_b * theta / config.theta.
   */
  #learnedRotation({ count, track, start }: Positions, like: Tensor): Rotation {
    const { dtype, backend } = like;
    const pairs = this.#pairs;
    const at = unsqueeze(arange(start, start + count, 1, { dtype, backend }), 1); // [T, 1]
    let frequencies: Tensor = this.frequencies; // [P]
    if (this.#config.learned.includes("theta")) {
      const bases = (track?.voicedMeans() ?? []).map(
        (hz) => thetaFromPitch(hz, this.#config) / this.#config.theta,
      );
      const ratio = newTensorFrom(
        Float64Array.from(track === null ? [1] : bases),
        [track === null ? 1 : bases.length, 1],
        dtype,
        backend,
      );
      const exponents = newTensorFrom(
        Float64Array.from({ length: pairs }, (_, i) => -i / pairs),
        [pairs],
        dtype,
        backend,
      );
      frequencies = exp(mul(log(mul(ratio, this.theta)), exponents)); // [B, P]
    } else if (track !== null) {
      // Learned frequencies keep their ratio to the static ones when pitch moves the base.
      const rows = track
        .voicedMeans()
        .map((hz) => frequenciesAt(thetaFromPitch(hz, this.#config), pairs, this.#config));
      const moved = newTensorFrom(
        Float64Array.from(rows.flatMap((row) => [...row])),
        [rows.length, pairs],
        dtype,
        backend,
      );
      const still = newTensorFrom(
        frequenciesAt(this.#config.theta, pairs, this.#config),
        [pairs],
        dtype,
        backend,
      );
      frequencies = mul(moved, div(this.frequencies, still)); // [B, P]
    }
    const rows = frequencies.rank === 1 ? 1 : frequencies.shape[0]!;
    const angles = mul(at, reshape(frequencies, [rows, 1, 1, pairs])); // [B, 1, T, P]
    return this.#scaled({ cosine: cos(angles), sine: sin(angles) });
  }

  #scaled(rotation: Rotation): Rotation {
    if (this.radius === null) return rotation;
    const modulus = softplus(this.radius); // [P]
    return { cosine: mul(rotation.cosine, modulus), sine: mul(rotation.sine, modulus) };
  }
}

function rotationOf({ values, rows, positions, pairs }: Angles, like: Tensor): Rotation {
  const shape = [rows, 1, positions, pairs];
  return {
    cosine: newTensorFrom(values.map(Math.cos), shape, like.dtype, like.backend),
    sine: newTensorFrom(values.map(Math.sin), shape, like.dtype, like.backend),
  };
}
