/** Exit code: what was asked for is refused, or cannot be done. */
export const EXIT_REFUSED = 1;
/** Exit code: the command line is not understood. */
export const EXIT_USAGE = 2;
