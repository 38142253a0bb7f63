// What pages say of stock, by language and plural. `{n}` is a count with its unit, `{time}` a time
// of day. A text without plural forms serves every count.

const TEXTS = {
  en: {
    in_stock: 'In stock',
    limited: 'Few left',
    limited_other: 'Only {n} left',
    out_of_stock: 'Out of stock',
    unknown: 'Not sold here',
    stale: 'Not known now',
    old: 'as of {time}',
    was: 'before',
  },
  sv: {
    in_stock: 'I lager',
    limited: 'Få kvar',
    limited_other: 'Bara {n} kvar',
    out_of_stock: 'Slut i lager',
    unknown: 'Säljs inte här',
    stale: 'Okänt just nu',
    old: 'kl. {time}',
    was: 'tidigare',
  },
  da: {
    in_stock: 'På lager',
    limited: 'Få tilbage',
    limited_other: 'Kun {n} tilbage',
    out_of_stock: 'Ikke på lager',
    unknown: 'Sælges ikke her',
    stale: 'Ukendt lige nu',
    old: 'kl. {time}',
    was: 'før',
  },
};

/** The language that a tag stands for, if need be its first part: browsers throw at `sv_SE`. */
export function spoken(tag) {
  for (const name of [tag, tag?.replace(/[-_].*/, ''), 'en']) {
    try {
      return Intl.NumberFormat.supportedLocalesOf([name, 'en'])[0];
    } catch {
      // That is no tag.
    }
  }
}

/** The language of an element: that of its nearest ancestor that has one. */
export const language = (element) =>
  spoken(element.closest('[lang]')?.lang || document.documentElement.lang);

// As many decimals as an item may have.
const EXACT = { maximumFractionDigits: 6 };

// Formats are dear to make and asked for again and again.
const formats = new Map();
function format(kind, lang, options) {
  const name = kind + lang + JSON.stringify(options);
  if (!formats.has(name)) formats.set(name, new Intl[kind](lang, options));
  return formats.get(name);
}

/** The text `key`; an attribute such as `text-in-stock` or `text-limited-one` goes before. */
export function text(element, key, lang, values = {}, count) {
  const known = TEXTS[lang.split('-')[0]] ?? TEXTS.en;
  const plural = count !== undefined && format('PluralRules', lang, EXACT).select(count);
  for (const name of plural ? [`${key}_${plural}`, `${key}_other`, key] : [key]) {
    const found = element.getAttribute(`text-${name.replace(/_/g, '-')}`) ?? known[name];
    if (found !== undefined) return found.replace(/\{(\w+)\}/g, (_, value) => values[value] ?? '');
  }
  return '';
}

export const money = ({ amount, currency }, lang) =>
  format('NumberFormat', lang, {
    style: 'currency',
    currency,
    trailingZeroDisplay: 'stripIfInteger',
  }).format(amount);

/** A quantity with its unit; pieces go without one. */
export const quantity = (amount, unit, lang) =>
  format('NumberFormat', lang, EXACT).format(amount) + (unit && unit !== 'each' ? ` ${unit}` : '');

/** The time of day, with the day if that is not clear. */
export const clock = (time, lang) =>
  format('DateTimeFormat', lang, {
    hour: '2-digit',
    minute: '2-digit',
    weekday: Date.now() - time > 43_200_000 ? 'short' : undefined,
  }).format(time);
