// Which address shows what. A view is loaded when it is first shown.

/** @typedef {{ path: string, name: string, needsProject: boolean, load: () => Promise<any> }} View */

/** @type {View[]} */
export const VIEWS = [
  { path: '/', name: 'home', needsProject: true, load: () => import('./views/incidents.js') },
  { path: '/projects/:project_id/incidents', name: 'incidents', needsProject: true, load: () => import('./views/incidents.js') },
  { path: '/projects/:project_id/incidents/:incident_id', name: 'incident', needsProject: true, load: () => import('./views/incident.js') },
  { path: '/projects/:project_id/start', name: 'start', needsProject: true, load: () => import('./views/start.js') },
  { path: '/projects/:project_id/keys', name: 'keys', needsProject: true, load: () => import('./views/keys.js') },
  { path: '/projects/:project_id/usage', name: 'usage', needsProject: true, load: () => import('./views/usage.js') },
  { path: '/projects/:project_id/settings', name: 'settings', needsProject: true, load: () => import('./views/settings.js') },
  { path: '/projects/:project_id/alerts', name: 'alerts', needsProject: true, load: () => import('./views/alerts.js') },
  { path: '/workspaces/:workspace_id/data', name: 'data', needsProject: false, load: () => import('./views/data.js') },
  { path: '/workspaces/:workspace_id/members', name: 'members', needsProject: false, load: () => import('./views/members.js') },
  { path: '/workspaces/:workspace_id/audit', name: 'audit', needsProject: false, load: () => import('./views/audit.js') },
  { path: '/invitation', name: 'invitation', needsProject: false, load: () => import('./views/invitation.js') },
  { path: '/projects/new', name: 'new', needsProject: false, load: () => import('./views/new_project.js') },
  { path: '/account', name: 'account', needsProject: false, load: () => import('./views/account.js') },
  { path: '/health', name: 'health', needsProject: false, load: () => import('./views/health.js') },
];
