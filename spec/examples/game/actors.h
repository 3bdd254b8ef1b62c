/*
** actors.h
** Actors, each a fiber that runs a script
**
** In each frame every actor is resumed once, by 'cfiber.slice': until one of
** the native functions that take time (natives.c) suspends it for the next
** frame, or until its budget of VM instructions is spent, wherever that is. A
** script that loops for ever costs its own actor's budget and nobody else's.
** Not counted: C functions that take long without calling Lua, and '<close>'
** variables of a fiber that is being closed.
**
** When the text of a script changes, the fibers that run it are closed, which
** runs their '<close>' variables, and new ones start. The actor and its table
** stay: place, look, and whatever the script kept in the table.
**
** A fiber that fails is closed in the same way. The actor stays where it is,
** with the error, until its script changes.
*/

#ifndef game_actors_h
#define game_actors_h

#include <lua.h>
#include <stdint.h>
#include <stdio.h>

#define FRAMES_PER_SECOND 60
#define MAX_ACTORS 256
#define MAX_SCRIPTS 32
#define NAME_SIZE 24  /* of actors and scripts, with the final zero */
#define TRAIL_SIZE 24
#define TRAIL_FRAMES 5  /* between two points of a trail */

enum actor_look {  /* in the order of 'actor_looks' */
  LOOK_NONE, LOOK_PERSON, LOOK_CHILD, LOOK_MERCHANT, LOOK_GUARD, LOOK_SCHOLAR,
  LOOK_DUCK
};

extern const char *const actor_looks[];

enum actor_state {
  ACTOR_NEW,  /* starts when its turn comes */
  ACTOR_LIVES,  /* has a fiber */
  ACTOR_ENDED,  /* the script returned */
  ACTOR_FAILED  /* with 'error' */
};

struct actor {
  char name[NAME_SIZE], script[NAME_SIZE];
  enum actor_state state;
  lua_State *L;  /* its fiber, with ACTOR_LIVES */
  int fiber;  /* reference to it in the registry */
  int self;  /* to the table of the script, which outlives fibers */
  enum actor_look look;
  unsigned colour;  /* 0xRRGGBB */
  double x, y;  /* pixels */
  double speed;  /* pixels per second */
  int left;  /* it looks to the left */
  uint32_t chance;  /* state of its random numbers */
  long frames;  /* that its script ended by itself */
  long preemptions;  /* that the budget ended */
  int preempted;  /* the last one was */
  char words[64];  /* what it says, until the frame 'silent' */
  long silent;
  char error[512];  /* message and traceback */
  struct point { float x, y; } trail[TRAIL_SIZE];  /* a ring */
};

struct script {
  char name[NAME_SIZE];
  int text;  /* reference to the text that runs, a string */
  int tried;  /* to the last text seen, which may be one that cannot be loaded,
                 or LUA_NOREF */
};

struct world {
  lua_State *L;  /* the main state */
  const char *directory;  /* of the scripts */
  lua_Integer budget;  /* VM instructions for each actor and frame */
  uint32_t seed;
  FILE *log;  /* or NULL */
  long frame;
  int slice, stats;  /* references to the functions of cfiber */
  struct actor actors[MAX_ACTORS];
  int nactors;
  struct script scripts[MAX_SCRIPTS];
  int nscripts;
  struct actor *acting;  /* the one whose script runs, or NULL */
  struct SDL_Surface *ground;  /* what scripts draw the village on */
  long preemptions;
  int errors, reloads;
};

/* The world of a state, in which L may be any thread. */
struct world *actors_world (lua_State *L);

/* Opens cfiber in the main state, which 'w' names, and makes the first actor:
   the script 'village'. The other fields of 'w' are set or 0. */
void actors_open (struct world *w);

/* The script's 'spawn': an actor with the table at 'index' of L, see
   'spawn' in natives.h. It is the last one, and starts in the same frame. */
void actors_add (struct world *w, lua_State *L, int index);

/* Resumes each actor once. */
void actors_frame (struct world *w);

/* Starts the actors anew whose script changed on disk, or all of them. */
void actors_reload (struct world *w, int all);

/* Closes all fibers, and has those collected that scripts dropped. Returns how
   many are mounted after that: 0. */
int actors_close (struct world *w);

/* One of the counts of 'cfiber.stats'. */
long actors_stat (struct world *w, const char *name);

/* A line in the log: the frame, the actor (or NULL) and the text. */
void actors_log (struct world *w, const struct actor *a, const char *format,
                 ...);

#endif
