/** Exit code: the request is refused, or cannot be done. */
export const EXIT_REFUSED = 1;
/** Exit code: the command line has a mistake. */
export const EXIT_USAGE = 2;
