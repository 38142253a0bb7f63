// Exact decimals, as texts: neither quantities nor money are ever a binary fraction.

function scaled(text) {
  const [whole, fraction = ''] = String(text).split('.');
  return { units: BigInt(whole + fraction), scale: fraction.length };
}

function written(units, scale) {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return (units < 0n ? '-' : '') + whole + (scale ? `.${digits.slice(-scale)}` : '');
}

export function minus(a, b) {
  const [left, right] = [scaled(a), scaled(b)];
  const scale = Math.max(left.scale, right.scale);
  const grown = ({ units, scale: own }) => units * 10n ** BigInt(scale - own);
  return written(grown(left) - grown(right), scale);
}

/** The product with so many decimals, a half rounded up; for what is not below zero. */
export function times(a, b, decimals) {
  const [left, right] = [scaled(a), scaled(b)];
  const surplus = left.scale + right.scale - decimals;
  const units = left.units * right.units;
  if (surplus <= 0) return written(units * 10n ** BigInt(-surplus), decimals);
  const step = 10n ** BigInt(surplus);
  return written((units * 2n + step) / (step * 2n), decimals);
}

export const isPositive = (text) => scaled(text).units > 0n;
