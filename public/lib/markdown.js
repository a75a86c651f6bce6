// An incident in words for elsewhere: Markdown to paste, and a new GitHub issue filled in.
import { exactTime } from './format.js';

const FRAMES_MAX = 12;
const ISSUE_CHARACTERS_MAX = 6_000; // GitHub refuses addresses much longer than 8,000

/** A fence longer than any in the text, so that text cannot end the block. @param {string} text */
function fenced(text, language = '') {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** @param {any} frame */
function frameLines(frame) {
  const place = `${frame.filename ?? frame.module ?? '?'}:${frame.lineno ?? '?'} in ${frame.function ?? '?'}`;
  return frame.context_line === undefined ? place : `${place}\n    ${frame.context_line.trim()}`;
}

/** @param {any} payload */
function stackText(payload) {
  return (payload.exception?.values ?? []).toReversed().map((/** @type {any} */ value, /** @type {number} */ index) => {
    const frames = (value.stacktrace?.frames ?? []).toReversed();
    const own = frames.filter((/** @type {any} */ frame) => frame.in_app);
    const shown = (own.length ? own : frames).slice(0, FRAMES_MAX);
    return [`${index ? 'Caused by ' : ''}${value.type ?? 'Error'}: ${value.value ?? ''}`, ...shown.map((/** @type {any} */ frame) => `  ${frameLines(frame)}`)].join('\n');
  }).join('\n\n');
}

/**
 * @param {any} incident
 * @param {any} event
 * @param {string} address of the incident's page
 */
export function markdown(incident, event, address) {
  const payload = event?.payload ?? {};
  const stack = stackText(payload);
  const facts = [
    ['Events', String(incident.event_count)],
    ['First seen', exactTime(incident.first_seen) + (incident.first_release ? ` in ${incident.first_release}` : '')],
    ['Last seen', exactTime(incident.last_seen) + (incident.last_release ? ` in ${incident.last_release}` : '')],
    ['Environments', incident.environments.join(', ')],
    ['Culprit', incident.culprit],
    ['Route', event?.route],
  ].filter(([, value]) => value);
  return [
    `**${incident.title.replaceAll('*', '\\*')}**`,
    facts.map(([name, value]) => `- ${name}: ${value}`).join('\n'),
    stack && fenced(stack),
    `[Incident #${incident.id}](${address})`,
  ].filter(Boolean).join('\n\n') + '\n';
}

/**
 * A page of GitHub with the issue filled in; the person sends it off.
 * @param {string} repository "owner/name"
 * @param {any} incident
 * @param {string} text
 */
export function githubIssue(repository, incident, text) {
  const query = new URLSearchParams({ title: incident.title, body: text.slice(0, ISSUE_CHARACTERS_MAX) });
  return `https://github.com/${repository}/issues/new?${query}`;
}

/** "owner/name" of what somebody typed, also of an address; null where it is none. @param {string} typed */
export function repositoryOf(typed) {
  const found = /^(?:https:\/\/github\.com\/)?([\w.-]{1,100}\/[\w.-]{1,100}?)(?:\.git)?\/?$/.exec(typed.trim());
  return found?.[1] ?? null;
}
