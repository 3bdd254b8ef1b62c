/*
** host.c
** A village whose inhabitants are fibers: the program and its main loop
**
** usage: village [options], see 'usage' below
**
** Time is counted in frames of 1/60 second, not measured: with and without a
** display, in each run, the same happens in the same frame.
*/

#define SDL_MAIN_HANDLED
#include <SDL.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "actors.h"
#include "draw.h"
#include "natives.h"
#include "picture.h"
#include "scene.h"

#define WIDTH 1120
#define HEIGHT 630
#define TITLE "A village of fibers"
#define WATCH_FRAMES 15  /* between two looks at the scripts' files */

struct host {
  struct world world;
  const char *png;  /* file for the last frame, or NULL */
  const char *log;
  long frames;  /* how many, or 0: until one quits */
  long reload;  /* the frame in which all scripts start anew, or -1 */
  long budget, seed;
  int headless;
  int paused, quit;
  SDL_Window *window;
  canvas *canvas;
};


/*
** {======================================================
** Options
** =======================================================
*/

static const char usage[] =
  "usage: village [options]\n"
  "  --scripts DIR  where the scripts are (spec/examples/game/scripts)\n"
  "  --headless     without a display, as fast as it can; wants --frames\n"
  "  --frames N     ends after N frames of 1/60 s\n"
  "  --png FILE     writes the last frame\n"
  "  --log FILE     writes what happens, - is stdout\n"
  "  --reload N     starts all scripts anew in frame N, as F5 does\n"
  "  --budget N     VM instructions for each actor and frame (20000)\n"
  "  --seed N       of the actors' random numbers (1)\n"
  "  --help\n"
  "keys: F5 reload, space pause, P writes village.png, esc quit\n";


static int complain (const char *what, const char *why) {
  fprintf(stderr, "village: %s: %s\n", what, why);
  return 0;
}


/* A number from 'least' to 2147483647. */
static int setnumber (const char *option, const char *text, long least,
                      long *value) {
  char *end;
  *value = strtol(text, &end, 10);
  if (end == text || *end != '\0' || *value < least || *value > 2147483647)
    return complain(option, "not a number, or out of range");
  return 1;
}


/* An option with a value. */
static int setoption (struct host *h, const char *option, const char *value) {
  const struct { const char *name; const char **text; } texts[] = {
    {"--scripts", &h->world.directory}, {"--png", &h->png}, {"--log", &h->log}
  };
  const struct { const char *name; long *number, least; } numbers[] = {
    {"--frames", &h->frames, 1}, {"--reload", &h->reload, 0},
    {"--budget", &h->budget, 1}, {"--seed", &h->seed, 0}
  };
  int i;
  for (i = 0; value != NULL && i < 3; i++) {
    if (strcmp(option, texts[i].name) == 0) {
      *texts[i].text = value;
      return 1;
    }
  }
  for (i = 0; value != NULL && i < 4; i++) {
    if (strcmp(option, numbers[i].name) == 0)
      return setnumber(option, value, numbers[i].least, numbers[i].number);
  }
  return complain(option, "no such option, or its value is missing");
}


static int setoptions (struct host *h, int argc, char **argv) {
  int i;
  for (i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--help") == 0) {
      fputs(usage, stdout);
      exit(EXIT_SUCCESS);
    }
    else if (strcmp(argv[i], "--headless") == 0)
      h->headless = 1;
    else {
      if (!setoption(h, argv[i], argv[i + 1]))
        return 0;
      i++;
    }
  }
  if (h->headless && h->frames == 0)
    return complain("--headless", "it would not end without --frames");
  return 1;
}

/* }====================================================== */


/*
** {======================================================
** The display
** =======================================================
*/

static int openlog (struct host *h) {
  if (h->log == NULL)
    return 1;
  h->world.log = strcmp(h->log, "-") == 0 ? stdout : fopen(h->log, "w");
  return h->world.log != NULL || complain(h->log, "cannot be written");
}


static int opendisplay (struct host *h) {
  SDL_SetMainReady();
  if (h->headless)
    SDL_SetHint(SDL_HINT_VIDEODRIVER, "dummy");
  if (SDL_Init(SDL_INIT_VIDEO) != 0)
    return complain("no display, try --headless", SDL_GetError());
  h->window = SDL_CreateWindow(TITLE, SDL_WINDOWPOS_CENTERED,
                               SDL_WINDOWPOS_CENTERED, WIDTH, HEIGHT,
                               SDL_WINDOW_RESIZABLE);
  h->canvas = draw_canvas(WIDTH, HEIGHT);
  h->world.ground = draw_canvas(WIDTH, HEIGHT);
  return (h->window != NULL && h->canvas != NULL && h->world.ground != NULL)
      || complain("no window", SDL_GetError());
}


static void closedisplay (struct host *h) {
  SDL_FreeSurface(h->world.ground);
  SDL_FreeSurface(h->canvas);
  SDL_DestroyWindow(h->window);
  SDL_Quit();
}


static void show (struct host *h) {
  canvas *shown = SDL_GetWindowSurface(h->window);
  picture_draw(h->canvas, &h->world);
  if (shown != NULL) {
    SDL_BlitScaled(h->canvas, NULL, shown, NULL);
    SDL_UpdateWindowSurface(h->window);
  }
}


static int save (struct host *h, const char *file) {
  const char *problem;
  picture_draw(h->canvas, &h->world);
  problem = draw_save(h->canvas, file);
  return problem == NULL || complain(file, problem);
}

/* }====================================================== */


/*
** {======================================================
** The main loop
** =======================================================
*/

static void press (struct host *h, SDL_Keycode key) {
  if (key == SDLK_F5)
    actors_reload(&h->world, 1);
  else if (key == SDLK_SPACE)
    h->paused = !h->paused;
  else if (key == SDLK_p)
    save(h, "village.png");
  else if (key == SDLK_ESCAPE)
    h->quit = 1;
}


static void listen (struct host *h) {
  SDL_Event event;
  while (SDL_PollEvent(&event)) {
    if (event.type == SDL_QUIT)
      h->quit = 1;
    else if (event.type == SDL_KEYDOWN)
      press(h, event.key.keysym.sym);
  }
}


static void advance (struct host *h) {
  struct world *w = &h->world;
  if (w->frame == h->reload) {
    h->reload = -1;
    actors_reload(w, 1);
  }
  else if (w->frame % WATCH_FRAMES == 0)
    actors_reload(w, 0);
  if (!h->paused)
    actors_frame(w);
  if (h->frames != 0 && w->frame >= h->frames)
    h->quit = 1;
}


/* Waits for the time of the next frame; one that is late is not made up for. */
static void keeptime (Uint64 *next) {
  Uint64 now = SDL_GetTicks64();
  if (now < *next)
    SDL_Delay((Uint32)(*next - now));
  else
    *next = now;
  *next += 1000 / FRAMES_PER_SECOND;
}


static void loop (struct host *h) {
  Uint64 next = SDL_GetTicks64();
  while (!h->quit) {
    listen(h);
    advance(h);
    if (!h->headless) {
      show(h);
      keeptime(&next);
    }
  }
}


/* Inside a protected call: the host as first argument. True: all went well. */
static int play (lua_State *L) {
  struct host *h = (struct host *)lua_touserdata(L, 1);
  int mounted, saved = 1;
  luaL_openlibs(L);
  actors_open(&h->world);
  natives_open(L);
  scene_open(L);
  loop(h);
  if (h->png != NULL)
    saved = save(h, h->png);
  mounted = actors_close(&h->world);
  if (mounted != 0)
    luaL_error(L, "%d fibers are still mounted", mounted);
  lua_pushboolean(L, saved);
  return 1;
}

/* }====================================================== */


static int runstate (struct host *h) {
  lua_State *L = luaL_newstate();
  int ok;
  if (L == NULL)
    return complain("Lua", "not enough memory");
  h->world.L = L;
  lua_pushcfunction(L, play);
  lua_pushlightuserdata(L, h);
  ok = lua_pcall(L, 1, 1, 0) == LUA_OK;
  if (!ok)
    complain("stopped", lua_tostring(L, -1));
  else
    ok = lua_toboolean(L, -1);
  lua_close(L);
  return ok;
}


int main (int argc, char **argv) {
  static struct host h;
  int ok;
  h.world.directory = "spec/examples/game/scripts";
  h.budget = 20000;
  h.seed = 1;
  h.reload = -1;
  if (!setoptions(&h, argc, argv))
    return EXIT_FAILURE;
  h.world.budget = h.budget;
  h.world.seed = (uint32_t)h.seed;
  ok = openlog(&h) && opendisplay(&h) && runstate(&h);
  closedisplay(&h);
  if (h.world.log != NULL && fclose(h.world.log) != 0)
    ok = complain(h.log, "cannot be written");
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
