// Fills the page on privacy with what this deployment says of itself.
export {}; // a module: it waits for its answer at the top

/** @type {Record<string, string>} */
const PURPOSES = {
  hosting: 'Running the service',
  database: 'Keeping data',
  'sign-in': 'Sign-in and sessions',
  limits: 'Rates and quotas',
  mail: 'Sending mail',
  analysis: 'Explaining incidents',
  archive: 'Archive of events',
};

/** @param {string} name @param {Node | string} content */
function fill(name, content) {
  for (const place of document.querySelectorAll(`[data-fill="${name}"]`)) {
    place.replaceChildren(typeof content === 'string' ? content : content.cloneNode(true));
  }
}

/** @param {string} address */
function contactLink(address) {
  const link = document.createElement('a');
  link.href = address.includes('@') ? `mailto:${address}` : address;
  link.textContent = address;
  return link;
}

/** @param {{ purpose: string, name: string, host: string | null, region: string | null }} processor */
function row(processor) {
  const line = document.createElement('tr');
  const where = processor.region ?? 'Not stated';
  for (const text of [PURPOSES[processor.purpose] ?? processor.purpose, processor.host ? `${processor.name} (${processor.host})` : processor.name, where]) {
    const cell = document.createElement('td');
    cell.textContent = text;
    line.append(cell);
  }
  return line;
}

const answer = await fetch('/api/account/privacy').catch(() => null);
const processors = document.getElementById('processors');
if (answer?.ok) {
  const told = await answer.json();
  fill('effective_date', told.effective_date
    ? new Date(`${told.effective_date}T00:00:00`).toLocaleDateString('en', { year: 'numeric', month: 'long', day: 'numeric' })
    : 'a date that the operator has not set');
  if (told.contact) fill('contact', contactLink(told.contact));
  for (const [name, days] of Object.entries(told.retention)) fill(name, Number(days).toLocaleString('en'));
  processors?.replaceChildren(...told.processors.map(row));
  const analysis = document.getElementById('analysis');
  if (analysis && !told.processors.some((/** @type {{ purpose: string }} */ one) => one.purpose === 'analysis')) {
    analysis.textContent = 'No language model is configured here: nothing is sent to one.';
  }
} else if (processors) {
  processors.textContent = 'This could not be loaded. Try again in a moment.';
}
