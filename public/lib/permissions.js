// What to offer to whom: the API says what a role may do (docs/permissions.md), and decides again when it is asked to do it.

/** @param {{ permissions: string[] }} workspace as the account lists it @param {string} permission */
export const may = (workspace, permission) => workspace.permissions.includes(permission);
