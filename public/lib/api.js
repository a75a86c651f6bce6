// Every call of the pages to the API, by name. tests/public/test_api.py holds this table against the operations that there are.
import { renew, signIn } from './session.js';

const OPERATIONS = {
  readAccount: 'GET /api/account',
  changeAccount: 'PATCH /api/account',
  exportAccount: 'GET /api/account/export',
  previewAccountDeletion: 'GET /api/account/deletion',
  deleteAccount: 'DELETE /api/account',
  listIncidents: 'GET /api/projects/{project_id}/incidents',
  patchIncidents: 'PATCH /api/projects/{project_id}/incidents',
  countFacets: 'GET /api/projects/{project_id}/incidents/facets',
  readIncident: 'GET /api/projects/{project_id}/incidents/{incident_id}',
  patchIncident: 'PATCH /api/projects/{project_id}/incidents/{incident_id}',
  assignIncidents: 'PUT /api/projects/{project_id}/incidents/assignee',
  readTrend: 'GET /api/projects/{project_id}/incidents/{incident_id}/trend',
  listActivity: 'GET /api/projects/{project_id}/incidents/{incident_id}/activity',
  readTagCounts: 'GET /api/projects/{project_id}/incidents/{incident_id}/tags',
  explainGrouping: 'GET /api/projects/{project_id}/incidents/{incident_id}/grouping',
  mergeIncidents: 'POST /api/projects/{project_id}/incidents/{incident_id}/merge',
  splitIncident: 'POST /api/projects/{project_id}/incidents/{incident_id}/split',
  countEventFacets: 'GET /api/projects/{project_id}/incidents/{incident_id}/events/facets',
  listEvents: 'GET /api/projects/{project_id}/incidents/{incident_id}/events',
  readEvent: 'GET /api/projects/{project_id}/events/{event_id}',
  listViews: 'GET /api/projects/{project_id}/views',
  createView: 'POST /api/projects/{project_id}/views',
  deleteView: 'DELETE /api/projects/{project_id}/views/{view_id}',
  listSuggestions: 'GET /api/projects/{project_id}/incidents/{incident_id}/suggestions',
  dismissSuggestions: 'POST /api/projects/{project_id}/incidents/{incident_id}/suggestions/dismiss',
  readAnalysis: 'GET /api/projects/{project_id}/incidents/{incident_id}/analysis',
  listAnalyses: 'GET /api/projects/{project_id}/incidents/{incident_id}/analyses',
  requestAnalysis: 'POST /api/projects/{project_id}/incidents/{incident_id}/analysis',
  rateAnalysis: 'POST /api/projects/{project_id}/incidents/{incident_id}/analyses/{analysis_id}/rating',
  correctAnalysis: 'PUT /api/projects/{project_id}/incidents/{incident_id}/analyses/{analysis_id}/correction',
  listMembers: 'GET /api/workspaces/{workspace_id}/members',
  changeMember: 'PATCH /api/workspaces/{workspace_id}/members/{person_id}',
  removeMember: 'DELETE /api/workspaces/{workspace_id}/members/{person_id}',
  leaveWorkspace: 'DELETE /api/workspaces/{workspace_id}/members/me',
  listInvitations: 'GET /api/workspaces/{workspace_id}/invitations',
  createInvitation: 'POST /api/workspaces/{workspace_id}/invitations',
  revokeInvitation: 'DELETE /api/workspaces/{workspace_id}/invitations/{invitation_id}',
  readInvitation: 'POST /api/invitations/read',
  acceptInvitation: 'POST /api/invitations/accept',
  listChanges: 'GET /api/workspaces/{workspace_id}/audit-log',
  listRefusals: 'GET /api/workspaces/{workspace_id}/audit-log/refusals',
  exportChanges: 'GET /api/workspaces/{workspace_id}/audit-log/export',
  listKeys: 'GET /api/projects/{project_id}/keys',
  createKey: 'POST /api/projects/{project_id}/keys',
  rotateKey: 'POST /api/projects/{project_id}/keys/{key_id}/rotate',
  revokeKey: 'DELETE /api/projects/{project_id}/keys/{key_id}',
  createProject: 'POST /api/workspaces/{workspace_id}/projects',
  changeProject: 'PATCH /api/projects/{project_id}',
  readLimits: 'GET /api/projects/{project_id}/limits',
  changeLimits: 'PATCH /api/projects/{project_id}/limits',
  readOutcomes: 'GET /api/projects/{project_id}/outcomes',
  readWorkspaceUsage: 'GET /api/workspaces/{workspace_id}/usage',
  readWorkspaceLimits: 'GET /api/workspaces/{workspace_id}/limits',
  readUsage: 'GET /api/projects/{project_id}/usage',
  readGroupingRules: 'GET /api/projects/{project_id}/grouping-rules',
  replaceGroupingRules: 'PUT /api/projects/{project_id}/grouping-rules',
  tryGroupingRules: 'POST /api/projects/{project_id}/grouping-rules/dry-run',
  readRedactionRules: 'GET /api/projects/{project_id}/redaction-rules',
  replaceRedactionRules: 'PUT /api/projects/{project_id}/redaction-rules',
  tryRedactionRules: 'POST /api/projects/{project_id}/redaction-rules/dry-run',
  listRules: 'GET /api/projects/{project_id}/alert-rules',
  createRule: 'POST /api/projects/{project_id}/alert-rules',
  previewRule: 'POST /api/projects/{project_id}/alert-rules/preview',
  changeRule: 'PATCH /api/projects/{project_id}/alert-rules/{rule_id}',
  deleteRule: 'DELETE /api/projects/{project_id}/alert-rules/{rule_id}',
  listChannels: 'GET /api/projects/{project_id}/channels',
  createChannel: 'POST /api/projects/{project_id}/channels',
  changeChannel: 'PATCH /api/projects/{project_id}/channels/{channel_id}',
  deleteChannel: 'DELETE /api/projects/{project_id}/channels/{channel_id}',
  askChannel: 'POST /api/projects/{project_id}/channels/{channel_id}/confirmation',
  resumeChannel: 'POST /api/projects/{project_id}/channels/{channel_id}/resume',
  testChannel: 'POST /api/projects/{project_id}/channels/{channel_id}/test',
  listWaitingAlerts: 'GET /api/projects/{project_id}/waiting-alerts',
  listDeliveries: 'GET /api/projects/{project_id}/deliveries',
  resendDelivery: 'POST /api/projects/{project_id}/deliveries/{delivery_id}/resend',
  readRetention: 'GET /api/projects/{project_id}/retention',
  readRetentionEffect: 'GET /api/projects/{project_id}/retention/effect',
  replaceRetention: 'PUT /api/projects/{project_id}/retention',
  deleteProject: 'DELETE /api/projects/{project_id}',
  restoreProject: 'POST /api/projects/{project_id}/restore',
  listDeletedProjects: 'GET /api/workspaces/{workspace_id}/deleted-projects',
  deleteWorkspace: 'DELETE /api/workspaces/{workspace_id}',
  exportSubject: 'POST /api/workspaces/{workspace_id}/subjects/export',
  requestErasure: 'POST /api/workspaces/{workspace_id}/erasures',
  listExports: 'GET /api/workspaces/{workspace_id}/exports',
  createExport: 'POST /api/workspaces/{workspace_id}/exports',
  readExport: 'GET /api/workspaces/{workspace_id}/exports/{export_id}',
  downloadPart: 'GET /api/workspaces/{workspace_id}/exports/{export_id}/parts/{number}',
  endExport: 'DELETE /api/workspaces/{workspace_id}/exports/{export_id}',
  listErasures: 'GET /api/workspaces/{workspace_id}/erasures',
  readHealth: 'GET /api/health',
};

/** @typedef {keyof typeof OPERATIONS} Operation */
/** @typedef {Record<string, string | number | boolean | null | undefined | (string | number)[]>} Query */
/** @typedef {{ path?: Record<string, string | number>, query?: Query, body?: unknown, signal?: AbortSignal }} Given */

/** A refusal of the API, or none of its answers: `detail` says what to do. */
export class ApiError extends Error {
  /**
   * @param {number} status 0: it was not reached
   * @param {{ title?: string, detail?: string, errors?: { pointer: string, detail: string }[], request_id?: string }} problem
   */
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? 'Something went wrong.');
    this.status = status;
    this.title = problem.title ?? 'It did not work';
    this.errors = problem.errors ?? [];
    this.requestId = problem.request_id ?? '';
  }
}

/**
 * Call an operation. Raises ApiError; where nobody is signed in, goes to the sign-in page.
 * @param {Operation} operation
 * @param {Given} [given]
 * @returns {Promise<any>} the answer's JSON
 */
export async function call(operation, given = {}) {
  let answer = await send(operation, given);
  if (answer.status === 401 && (await renew())) answer = await send(operation, given);
  if (answer.status === 401) {
    signIn();
    return new Promise(() => {}); // the page is being left
  }
  if (answer.status === 204) return null;
  const body = await answer.json().catch(() => ({}));
  // Health tells what is wrong in an answer of 503.
  if (!answer.ok && operation !== 'readHealth') throw new ApiError(answer.status, body);
  return body;
}

/**
 * Lines that come in parts, as one file: the last line of a part says where the next one begins. Raises ApiError.
 * @param {Operation} operation
 * @param {Given} given
 * @param {string} name of the file
 */
export async function download(operation, given, name) {
  const parts = [];
  let cursor = null;
  do {
    const text = await (await sent(operation, { ...given, body: { .../** @type {object} */ (given.body), cursor } })).text();
    const end = text.lastIndexOf('\n', text.length - 2) + 1;
    if (!/^\{"complete":.*\}\n$/.test(text.slice(end))) throw new ApiError(0, { title: 'Broken off', detail: 'The export broke off. Try again.' });
    parts.push(text.slice(0, end));
    cursor = JSON.parse(text.slice(end)).cursor;
  } while (cursor);
  save(new Blob(parts), name);
}

/**
 * @param {Operation} operation
 * @param {Given} given
 */
async function sent(operation, given) {
  const answer = await send(operation, given);
  if (!answer.ok) throw new ApiError(answer.status, await answer.json().catch(() => ({})));
  return answer;
}

/**
 * @param {Blob} content
 * @param {string} name of the file
 */
function save(content, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/**
 * Where an operation is, for a link that downloads what it answers.
 * @param {Operation} operation
 * @param {Given} given
 */
export function addressOf(operation, { path = {}, query = {} } = {}) {
  const [, pattern = ''] = OPERATIONS[operation].split(' ');
  return pattern.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(path[name]))) + queryText(query);
}

/**
 * @param {Operation} operation
 * @param {Given} given
 */
async function send(operation, { path, query, body, signal }) {
  const [method] = OPERATIONS[operation].split(' ');
  /** @type {RequestInit} */
  const init = { method, signal, headers: { Accept: 'application/json' } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { ...init.headers, 'Content-Type': 'application/json' };
  }
  try {
    return await fetch(addressOf(operation, { path, query }), init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, { title: 'No connection', detail: 'Sensra could not be reached. Check your connection and try again.' });
  }
}

/** @param {Query} query a list becomes one text, parted by commas */
function queryText(query) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : '';
}
