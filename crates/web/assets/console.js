// Passkeys for forms that need one, and pages that stay up to date. Without it, pages can be read and everything frozen.

const said = document.querySelector('.said');

function say(words) {
  if (said) said.textContent = words;
}

// The zone of this browser, for forms that ask for it.
for (const field of document.querySelectorAll('input[data-zone]')) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

// Seven places do not fit on a phone: the one where the reader is comes into sight.
document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });

// A passkey confirms the form exactly as it is sent: the server remembers its hash with the challenge.
async function confirm(form) {
  if (!window.PublicKeyCredential) throw new Error('missing');
  const fields = new URLSearchParams(new FormData(form));
  fields.delete('passkey');
  const path = new URL(form.action).pathname;
  const asked = new URLSearchParams({ path, form: fields.toString(), ceremony: form.dataset.passkey });
  if (fields.has('csrf')) asked.set('csrf', fields.get('csrf'));
  const answer = await fetch('/challenge', { method: 'POST', body: asked, redirect: 'error' });
  if (!answer.ok) throw new Error('refused');
  const options = await answer.json();
  const credential = form.dataset.passkey === 'make'
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  let field = form.elements.namedItem('passkey');
  if (!field) {
    field = document.createElement('input');
    field.type = 'hidden';
    field.name = 'passkey';
    form.append(field);
  }
  field.value = JSON.stringify(credential.toJSON());
  form.submit();
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!form.dataset.passkey) return;
  event.preventDefault();
  const button = form.querySelector('button');
  button.disabled = true;
  const words = document.body.dataset;
  say(words.passkeyWait);
  confirm(form).catch((fault) => {
    button.disabled = false;
    say(fault.message === 'missing' ? words.passkeyMissing : words.passkeyFailed);
  });
});

// What a reader has under the finger or the cursor goes on: her place, and what she has unfolded.
function replace(part, next) {
  const { activeElement } = document;
  const places = 'a, button, summary';
  const focused = part.contains(activeElement) ? [...part.querySelectorAll(places)].indexOf(activeElement) : -1;
  const unfolded = [...part.querySelectorAll('details')].map((it) => it.open);
  const fresh = document.importNode(next, true);
  fresh.querySelectorAll('details').forEach((it, place) => (it.open = unfolded[place] ?? false));
  part.replaceWith(fresh);
  if (focused !== -1) fresh.querySelectorAll(places)[focused]?.focus({ preventScroll: true });
  return fresh;
}

// Nobody presses what has just moved under the finger; stopping is always possible.
function settle(part) {
  if (part.dataset.live === 'freeze') return;
  part.classList.add('moved');
  setTimeout(() => part.classList.remove('moved'), 400);
}

// A live page takes its own newest parts from the server whenever something was decided. Nothing that somebody is
// filling in, or confirming, is replaced.
function refresh() {
  const request = new XMLHttpRequest();
  request.open('GET', location.href);
  request.responseType = 'document';
  request.onload = () => {
    if (request.status !== 200 || !request.response) return;
    for (const part of document.querySelectorAll('[data-live]')) {
      const next = request.response.querySelector(`[data-live="${part.dataset.live}"]`);
      const filling = part.contains(document.activeElement) && document.activeElement.matches('input, select, textarea');
      if (next && !filling && !part.querySelector('button[disabled]')) settle(replace(part, next));
    }
  };
  request.send();
}

if (document.body.dataset.inside) {
  const source = new EventSource(`/live?from=${document.body.dataset.inside}`);
  let due = 0;
  source.addEventListener('changed', () => {
    clearTimeout(due);
    due = setTimeout(refresh, 50);
  });
}
