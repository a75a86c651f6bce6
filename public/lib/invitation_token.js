// What stands behind the # of an invitation's link. No server is sent it, so it is kept here while somebody signs in.
const KEPT = 'invitation';

/** The token of the address, or of the one that led here. */
export function invitationToken() {
  const given = location.hash.slice(1);
  if (given) sessionStorage.setItem(KEPT, given);
  return given || (sessionStorage.getItem(KEPT) ?? '');
}

/** It has been used. */
export const forgetInvitation = () => sessionStorage.removeItem(KEPT);
