// What to offer to whom. The API decides; this only spares people buttons that would be refused (docs/permissions.md).
const RANK = ['viewer', 'member', 'admin', 'owner'];

/** @param {string} role @param {'viewer' | 'member' | 'admin' | 'owner'} atLeast */
export const can = (role, atLeast) => RANK.indexOf(role) >= RANK.indexOf(atLeast);
