/** How a process of Weir ends. 0: all was done. */
export const EXIT_DONE = 0;
/** What was asked for is refused or cannot be done. */
export const EXIT_REFUSED = 1;
/** The command line is not understood. */
export const EXIT_USAGE = 2;
