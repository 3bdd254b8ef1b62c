/*
** font.h
** The letters: printable ASCII in a grid of pixels
**
** Any other character shows as '?'. Letters are as wide as what is drawn of
** them, one column apart.
*/

#ifndef game_font_h
#define game_font_h

#define FONT_COLUMNS 5
#define FONT_ROWS 8  /* the last one for what hangs below the line */

/* Is the pixel drawn? Columns 0 to FONT_COLUMNS - 1, rows from the top. */
int font_isset (char c, int column, int row);

/* Columns of the letter, without the gap. */
int font_width (char c);

#endif
