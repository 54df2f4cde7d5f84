const KEY = 'tributary.admin-token';

/** The operator's token: for as long as the tab is open, and nowhere else. */
export const adminToken = {
  read(): string | null {
    return sessionStorage.getItem(KEY);
  },
  keep(token: string): void {
    sessionStorage.setItem(KEY, token);
  },
  forget(): void {
    sessionStorage.removeItem(KEY);
  },
};
