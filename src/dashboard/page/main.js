// What runs, as a table that follows the stream. The token comes once, behind the hash.
const state = document.getElementById('state');
const rows = document.getElementById('rows');

async function login() {
  const token = new URLSearchParams(location.hash.slice(1)).get('t');
  if (!token) return;
  history.replaceState(null, '', '#/resources');
  await fetch('/api/v1/login', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token }),
  });
}

function show(view) {
  document.title = view.project;
  rows.replaceChildren(...view.resources.map((resource) => {
    const row = document.createElement('tr');
    for (const text of [resource.name, resource.state, resource.display ?? '']) {
      const cell = document.createElement('td');
      cell.textContent = text;
      row.append(cell);
    }
    return row;
  }));
}

await login();
const source = new EventSource('/api/v1/events?topics=state');
const tell = (event) => { state.textContent = JSON.parse(event.data).state; };
source.addEventListener('hello', tell);
source.addEventListener('session', tell);
source.addEventListener('view', (event) => show(JSON.parse(event.data)));
source.onerror = () => { state.textContent = 'not connected: apphost dashboard --open'; };
