// What the front page shows of the other parts: who may log in, the clock, the guestbook.

const element = (id) => document.getElementById(id);

showProtocol();
void showParts();
void showNotes();
followClock();
element('guestbook').addEventListener('submit', sign);

/** How this page came: http/1.1, or h2 over TLS. */
function showProtocol() {
  const [{ nextHopProtocol }] = performance.getEntriesByType('navigation');
  element('protocol').textContent = nextHopProtocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1';
  element('protocol').hidden = false;
}

async function showParts() {
  const { django, perl } = await (await fetch('/site.json')).json();
  element('perl').hidden = !perl;
  element('login').hidden = !django;
  element('no-django').hidden = Boolean(django);
  if (!django) return;
  element('user').textContent = django.user;
  element('password').textContent = django.password;
}

async function showNotes() {
  const notes = await (await fetch('/api/notes')).json();
  element('notes').replaceChildren(...notes.slice(0, 8).map(createEntry));
}

function createEntry({ name, text, at }) {
  const entry = document.createElement('li');
  const author = document.createElement('strong');
  const when = document.createElement('time');
  author.textContent = name;
  when.dateTime = at;
  when.textContent = new Date(at).toLocaleTimeString();
  entry.append(author, ' ', text, ' ', when);
  return entry;
}

function followClock() {
  const events = new EventSource('/api/clock');
  events.addEventListener('message', ({ data }) => {
    element('time').textContent = new Date(data).toLocaleTimeString();
  });
}

async function sign(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const response = await fetch('/api/notes', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(Object.fromEntries(new FormData(form))),
  });
  element('problem').textContent = response.ok ? '' : (await response.json()).error;
  if (!response.ok) return;
  form.elements.text.value = '';
  await showNotes();
}
