/*
** bubbles.c
** What actors say, and what is wrong with them
*/

#include "bubbles.h"

#include <string.h>

#define MAX_LINES 7
#define MAX_CHARACTERS 38  /* in a line */
#define MARGIN 9  /* beside the text */
#define GAP 4  /* to the next bubble and to the edge of the picture */

typedef char textline[MAX_CHARACTERS + 1];

struct bubble {
  textline lines[MAX_LINES];
  int n;  /* lines */
  int first;  /* how many of them are in 'ink', the others are grey */
  unsigned ink, paper, edge;
  double x, y;  /* the point of its tail */
  double left, top, width, height;
};


/*
** {======================================================
** Lines
** =======================================================
*/

/* How many characters of the text make a line that ends with a word. */
static size_t linelength (const char *text) {
  size_t end = strcspn(text, "\n"), fits = MAX_CHARACTERS;
  if (end <= fits)
    return end;
  while (fits > 0 && text[fits] != ' ')
    fits--;
  return fits > 0 ? fits : MAX_CHARACTERS;
}


/* Breaks the text into lines. The title of a traceback is left out, and what
   follows it is grey. */
static void breaklines (struct bubble *b, const char *text) {
  int message = 1;
  while (*text != '\0' && b->n < MAX_LINES) {
    size_t length = linelength(text);
    if (strncmp(text, "stack traceback:", 16) == 0)
      message = 0;
    else {
      snprintf(b->lines[b->n++], sizeof(textline), "%.*s", (int)length, text);
      b->first += message;
    }
    text += length + (text[length] == '\n' || text[length] == ' ');
    text += strspn(text, "\t");
  }
}


static int widest (const struct bubble *b) {
  int width = 0, i;
  for (i = 0; i < b->n; i++) {
    int w = draw_textwidth(TEXT, b->lines[i]);
    width = w > width ? w : width;
  }
  return width;
}

/* }====================================================== */


/*
** {======================================================
** Bubbles
** =======================================================
*/

static double headof (const struct actor *a) {
  static const double heights[] = {
    [LOOK_PERSON] = 32, [LOOK_CHILD] = 26, [LOOK_MERCHANT] = 38,
    [LOOK_GUARD] = 40, [LOOK_SCHOLAR] = 39, [LOOK_DUCK] = 16
  };
  return a->y - heights[a->look];
}


/* What the actor has to say; returns 0 for nothing. */
static int compose (struct bubble *b, const struct world *w,
                    const struct actor *a) {
  static const struct bubble failed = {.ink = 0xB3261E, .paper = 0xFFF1EE,
                                       .edge = FAILED};
  static const struct bubble preempted = {.ink = 0x3A2204, .paper = PREEMPTED,
                                          .edge = 0x9A5F10};
  static const struct bubble says = {.ink = INK, .paper = 0xFFFFFF};
  char text[48];
  if (a->state == ACTOR_FAILED) {
    *b = failed;
    breaklines(b, a->error);
  }
  else if (w->frame < a->silent) {
    *b = says;
    b->edge = draw_mix(a->colour, INK, 0.45);
    breaklines(b, a->words);
  }
  else if (a->preempted) {
    *b = preempted;
    snprintf(text, sizeof(text), "preempted %ldx", a->preemptions);
    breaklines(b, text);
  }
  else
    return 0;
  return 1;
}


static double within (double value, double most) {
  return value < GAP ? GAP : value > most - GAP ? most - GAP : value;
}


static int overlap (const struct bubble *a, const struct bubble *b) {
  return a->left < b->left + b->width + GAP
      && b->left < a->left + a->width + GAP
      && a->top < b->top + b->height + GAP
      && b->top < a->top + a->height + GAP;
}


/* Above the actor's head, and above the n other bubbles. Returns 0 where there
   is no room. */
static int place (struct bubble *b, const struct actor *a, const canvas *c,
                  const struct bubble *others, int n) {
  int i;
  b->x = a->x;
  b->y = headof(a);
  b->width = widest(b) + 2 * MARGIN;
  b->height = b->n * LINE + 8;
  b->left = within(b->x - b->width / 2, c->w - b->width);
  b->top = within(b->y - b->height - 8, c->h - b->height);
  for (i = 0; i < n; i++) {
    if (overlap(b, others + i)) {
      b->top = others[i].top - b->height - GAP;
      i = -1;  /* look at all of them again */
    }
  }
  return b->top >= GAP;
}


/* Where the tail meets the bubble: below the head, if possible. */
static double rootof (const struct bubble *b) {
  double least = b->left + 2 * MARGIN, most = b->left + b->width - 2 * MARGIN;
  return b->x < least ? least : b->x > most ? most : b->x;
}


/* Twice 'wide' at the bubble, 'gap' above the head. */
static void tail (canvas *c, const struct bubble *b, double wide, double gap,
                  unsigned colour) {
  double end = b->top + b->height - 1, root = rootof(b);
  double corners[] = {b->x, b->y - gap, root - wide, end, root + wide, end};
  if (b->y > end + 4)
    draw_triangle(c, corners, SOLID(colour));
}


static void drawtail (canvas *c, const struct bubble *b) {
  tail(c, b, 7, 0, b->edge);
  tail(c, b, 5, 3, b->paper);
}


static void drawbubble (canvas *c, const struct bubble *b) {
  int i;
  draw_box(c, b->left - 1, b->top + 3, b->width + 2, b->height, 9, 9,
           FADED(0x20301A, 75));
  draw_box(c, b->left - 1.5, b->top - 1.5, b->width + 3, b->height + 3, 9.5,
           1, SOLID(b->edge));
  draw_box(c, b->left, b->top, b->width, b->height, 8, 1, SOLID(b->paper));
  if (b->y > b->top + b->height)
    draw_box(c, rootof(b) - 4.5, b->top + b->height - 3, 9, 5, 0, 1,
             SOLID(b->paper));  /* opens the edge to the tail */
  for (i = 0; i < b->n; i++)
    draw_text(c, (int)b->left + MARGIN, (int)b->top + 6 + i * LINE, TEXT,
              SOLID(i < b->first ? b->ink : 0x7A6A6A), b->lines[i]);
}

/* }====================================================== */


void bubbles_draw (canvas *c, const struct world *w, struct actor **list,
                   int n) {
  static struct bubble bubbles[MAX_ACTORS];
  int count = 0, i;
  for (i = n - 1; i >= 0; i--) {
    struct bubble *b = bubbles + count;
    if (compose(b, w, list[i]) && place(b, list[i], c, bubbles, count))
      count++;
  }
  for (i = 0; i < count; i++)
    drawtail(c, bubbles + i);
  for (i = 0; i < count; i++)
    drawbubble(c, bubbles + i);
}
