// A device that stands in a store: which place it serves, in which language, and with which token.
// The token is pasted once on the device, or brought by a link as `#token=…`, which no server and
// no log sees and which is taken out of the address at once. It must not know what is shown.

import { spoken } from './texts.js';

const WORDS = {
  en: {
    ask: 'This {kind} needs a token for {name}. Ask whoever runs Onhand for one.',
    refused:
      'The token of this {kind} is not accepted. It may be revoked, or meant for something ' +
      'else.',
    denied: 'The token of this {kind} may not do what is done here. It needs other scopes.',
    token: 'Token',
    use: 'Use this token',
    origin: 'No live figures: this address, {origin}, is not on the list http.origins of Onhand.',
    screen: 'screen',
    till: 'till',
  },
  sv: {
    ask: 'Denna {kind} behöver en token för {name}. Be den som driver Onhand om en.',
    refused: 'Token för denna {kind} godtas inte. Den kan vara återkallad eller avsedd för annat.',
    denied: 'Token för denna {kind} får inte göra det som görs här. Den behöver andra rättigheter.',
    token: 'Token',
    use: 'Använd denna token',
    origin: 'Inga uppgifter: adressen {origin} finns inte på listan http.origins i Onhand.',
    screen: 'skärm',
    till: 'kassa',
  },
  da: {
    ask: 'Denne {kind} mangler en token til {name}. Bed den, der driver Onhand, om en.',
    refused:
      'Token til denne {kind} accepteres ikke. Den kan være tilbagekaldt eller til andet ' +
      'brug.',
    denied: 'Token til denne {kind} må ikke det, der gøres her. Den skal have andre rettigheder.',
    token: 'Token',
    use: 'Brug denne token',
    origin: 'Ingen tal: adressen {origin} står ikke på listen http.origins i Onhand.',
    screen: 'skærm',
    till: 'kasse',
  },
};

/** Codes with which the feed is closed for what a person has to mend. */
export const BAD_TOKEN = 4500;
export const BAD_ORIGIN = 4507;

/** The location this page is of, and what people call it. */
export const place = document.body.dataset.location;
export const name = document.body.dataset.name;

const asked = spoken(
  new URLSearchParams(location.search).get('lang') || navigator.language || 'en',
);
const [primary] = asked.split('-');
const language = primary in WORDS ? primary : 'en';
/** What the browser's user reads, if that is spoken here; `?lang=` goes before. */
export const lang = language === primary ? asked : language;

export const part = (id) => document.getElementById(id);

/** Text with its `{names}` filled in. */
export const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? '');

/** The words of a table in the page's language, put where the page wants them. */
export function speak(table) {
  const words = table[language];
  document.documentElement.lang = lang;
  for (const element of document.querySelectorAll('[data-word]')) {
    element.textContent = words[element.dataset.word];
  }
  return words;
}

/** Puts words where they are not already, and leaves the nodes as they are. */
export function say(element, words) {
  if (element.textContent === words) return;
  if (element.firstChild?.nodeType === Node.TEXT_NODE) element.firstChild.nodeValue = words;
  else element.textContent = words;
}

/** Says that the feed lets no page of this address in. */
export const badOrigin = () => filled(WORDS[language].origin, { origin: location.origin });

const broughtToken = () => new URLSearchParams(location.hash.slice(1)).get('token');

// A link with another token, opened where the page is shown already, changes the hash alone.
addEventListener('hashchange', () => broughtToken() && location.reload());

const kept = (kind) => `onhand-${kind}-${place}-token`;

/** The token of this device, asked for if there is none. */
export async function token(kind) {
  const brought = broughtToken();
  if (brought) {
    localStorage.setItem(kept(kind), brought);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return localStorage.getItem(kept(kind)) ?? ask(kind, 'ask');
}

/** The token was `refused`, or `denied` what the page needs: brings another, from a person. */
export function anotherToken(kind, why = 'refused') {
  localStorage.removeItem(kept(kind));
  return ask(kind, why);
}

let asking;
function ask(kind, why) {
  asking ??= new Promise((resolve) => {
    const words = WORDS[language];
    const dialog = document.createElement('dialog');
    const form = document.createElement('form');
    const told = document.createElement('p');
    told.id = 'token-told';
    told.textContent = filled(words[why], { kind: words[kind], name });
    const label = document.createElement('label');
    label.htmlFor = 'token';
    label.textContent = words.token;
    const field = document.createElement('input');
    Object.assign(field, { id: 'token', type: 'password', required: true, autocomplete: 'off' });
    const button = document.createElement('button');
    Object.assign(button, { className: 'primary', textContent: words.use });
    form.append(told, label, field, button);
    dialog.setAttribute('aria-labelledby', 'token-told');
    dialog.append(form);
    document.body.append(dialog);
    // There is nothing to go on with until there is a token.
    dialog.addEventListener('cancel', (event) => event.preventDefault());
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      asking = undefined;
      localStorage.setItem(kept(kind), field.value.trim());
      dialog.remove();
      resolve(field.value.trim());
    });
    dialog.showModal();
  });
  return asking;
}
