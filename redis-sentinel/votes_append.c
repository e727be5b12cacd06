/* VOTES.APPEND stream field value [field value ...]: the one command by which votes come into the queue.
 * VOTES.REPLAY stream field value [field value ...]: the same for votes that were acknowledged before.
 *
 * XADD may also trim the stream and choose the entry's id, and no access list can take that away from who may
 * add: a single command would erase every vote that waits, or end all further ones. These commands add a vote
 * with an id of the server's choice, and can do nothing else. Files and replicas see a plain XADD.
 *
 * VOTES.POLL revision number state closes: which poll there is, told by a worker, who has it of the database.
 * VOTES.STATE: what is known of the intake and of the poll, and this server's time.
 *
 * The key "votes:intake" says whether votes are taken. Where it is absent or "open", they are. Anything else is
 * answered with the error "INTAKE" and that word, and nothing is appended. Whoever appends asks here, so all
 * agree at any moment. What was acknowledged once comes in whatever the key says.
 *
 * The key "votes:poll" holds a revision, the number of the poll, "open" or "closed", and when it closes, in
 * milliseconds since 1970 of this server's clock, 0 for never. Absent, it is the first poll, open. A poll that is
 * not open any more is answered with "INTAKE closed", a vote for another poll than this one with "INTAKE other".
 * A vote names its poll in a field; one that names none is for the first.
 *
 * After its own fields an entry may have others, in the order of TRAILING, which say where it comes from.
 * VOTES.FIELDS: the names of those. A Redis without this command takes none but "poll".
 *
 * VOTES.PREFER milliseconds: for so long the Sentinels prefer this replica to others, if they elect one.
 *
 * The server hands over its functions by name, as its "Modules API reference" specifies.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct RedisModuleCtx Context;
typedef struct RedisModuleString String;
typedef struct RedisModuleCallReply Reply;
typedef int (*Command)(Context *, String **, int);
typedef void (*Timer)(Context *, void *);

enum { VERSION = 1, API_VERSION = 1 };
enum { FAILED = 1 };
enum { STRING = 0, ERROR = 1, NIL = 4 };
/* An error of one line, whatever the key holds. */
enum { LONGEST_STATE = 32 };
enum { LONGEST_POLL = 96 };
/* Sentinel elects the replica of the least; every other one has the usual. A switchover takes some seconds. */
static const char PREFERRED[] = "1", USUAL[] = "100";
enum { LONGEST_PREFERENCE = 60000 };

/* Which poll there is, and until when, in milliseconds since 1970; 0 for no end. */
typedef struct {
    long long revision, number, closes, open;
} Poll;
/* "poll" comes first. */
static const char *const TRAILING[] = {"poll", "numbers", "mark", "probe"};
enum { TRAILING_COUNT = sizeof TRAILING / sizeof *TRAILING };
/* The vote service sends sixteen votes together, less than two kilobytes. */
enum { LONGEST_VALUE = 16384 };

static int (*create_command)(Context *, const char *, Command, const char *, int, int, int);
static int (*reply_with)(Context *, Reply *);
static int (*reply_with_error)(Context *, const char *);
static int (*wrong_arity)(Context *);
static Reply *(*call)(Context *, const char *, const char *, ...);
static const char *(*text_of)(const String *, size_t *);
static int (*type_of)(Reply *);
static const char *(*string_of)(Reply *, size_t *);
static void (*free_reply)(Reply *);
static void (*set_attributes)(Context *, const char *, int, int);
static long long (*milliseconds)(void);
static int (*to_number)(const String *, long long *);
static int (*reply_with_array)(Context *, long);
static int (*reply_with_number)(Context *, long long);
static int (*reply_with_text)(Context *, const char *, size_t);
static unsigned long long (*start_timer)(Context *, long long, Timer, void *);
static int (*stop_timer)(Context *, unsigned long long, void **);

static int is(const String *argument, const char *name)
{
    size_t length;
    const char *text = text_of(argument, &length);
    return length == strlen(name) && memcmp(text, name, length) == 0;
}

/* Return how many of the fields, names and values, are left where the last is one of that name. */
static int without(const char *name, String **fields, int count)
{
    return count > 2 && count % 2 == 0 && is(fields[count - 2], name) ? count - 2 : count;
}

static int without_trailing(String **fields, int count)
{
    for (int place = TRAILING_COUNT - 1; place >= 0; place--)
        count = without(TRAILING[place], fields, count);
    return count;
}

/* Return the number of the poll that a vote is for as text, NULL where it names none. */
static const String *named_poll(String **fields, int count)
{
    for (int place = TRAILING_COUNT - 1; place > 0; place--)
        count = without(TRAILING[place], fields, count);
    return without(TRAILING[0], fields, count) < count ? fields[count - 1] : NULL;
}

static int are_names_of_a_vote(String **fields, int count)
{
    count = without_trailing(fields, count);
    if (count == 2)
        return is(fields[0], "votes");
    return count == 6 && is(fields[0], "id") && is(fields[2], "vote") && is(fields[4], "version");
}

static int is_short(const String *value)
{
    size_t length;
    text_of(value, &length);
    return length <= LONGEST_VALUE;
}

static int is_plain(const char *state, size_t length)
{
    for (size_t place = 0; place < length; place++)
        if (state[place] < 'a' || state[place] > 'z')
            return 0;
    return length > 0 && length <= LONGEST_STATE;
}

/* Read the poll; without one it is the first, open for good. What cannot be read is closed, until a worker tells. */
static Poll read_poll(Context *context)
{
    Poll first = {.number = 1, .open = 1}, found = {0}, unreadable = {0};
    char line[LONGEST_POLL + 1], state[LONGEST_STATE + 1];
    size_t length = 0;
    Reply *reply = call(context, "GET", "c", "votes:poll");
    const char *text = reply != NULL && type_of(reply) == STRING ? string_of(reply, &length) : NULL;
    int absent = reply != NULL && type_of(reply) == NIL;
    snprintf(line, sizeof line, "%.*s", text != NULL && length <= LONGEST_POLL ? (int)length : 0, text ? text : "");
    if (reply != NULL)
        free_reply(reply);
    if (sscanf(line, "%lld %lld %32s %lld", &found.revision, &found.number, state, &found.closes) == 4) {
        found.open = strcmp(state, "open") == 0;
        return found;
    }
    return absent ? first : unreadable;
}

static int is_over(Poll poll)
{
    return !poll.open || (poll.closes > 0 && milliseconds() >= poll.closes);
}

/* Say whether fields are those of a vote for another poll. */
static int are_for_another(Poll poll, String **fields, int count)
{
    long long number = 1;
    if (!are_names_of_a_vote(fields, count))
        return 0;
    const String *named = named_poll(fields, count);
    return (named != NULL && to_number(named, &number) != 0) || number != poll.number;
}

/* Write the state of the intake; "open" where nobody has set it, "unreadable" where it is no word. */
static void read_intake(Context *context, char state[LONGEST_STATE + 1])
{
    size_t length = 0;
    Reply *reply = call(context, "GET", "c", "votes:intake");
    const char *text = reply != NULL && type_of(reply) == STRING ? string_of(reply, &length) : NULL;
    if (text != NULL && is_plain(text, length))
        snprintf(state, LONGEST_STATE + 1, "%.*s", (int)length, text);
    else
        strcpy(state, reply != NULL && type_of(reply) == NIL ? "open" : "unreadable");
    if (reply != NULL)
        free_reply(reply);
}

static int add(Context *context, String **arguments, int count)
{
    if (count < 4)
        return wrong_arity(context);
    if (!are_names_of_a_vote(arguments + 2, count - 2))
        return reply_with_error(context, "ERR the fields are not those of a vote");
    for (int value = 3; value < count; value += 2)
        if (!is_short(arguments[value]))
            return reply_with_error(context, "ERR a field is longer than a vote's");
    Reply *reply = call(context, "XADD", "!scv", arguments[1], "*", arguments + 2, (size_t)(count - 2));
    if (reply == NULL)
        return reply_with_error(context, "ERR the vote cannot be appended");
    int sent = reply_with(context, reply);
    free_reply(reply);
    return sent;
}

static int append(Context *context, String **arguments, int count)
{
    char state[LONGEST_STATE + 1], refusal[sizeof "INTAKE " + LONGEST_STATE];
    Poll poll = read_poll(context);
    read_intake(context, state);
    if (strcmp(state, "open") == 0 && is_over(poll))
        strcpy(state, "closed");
    if (strcmp(state, "open") == 0 && count >= 4 && are_for_another(poll, arguments + 2, count - 2))
        strcpy(state, "other");
    if (strcmp(state, "open") == 0)
        return add(context, arguments, count);
    snprintf(refusal, sizeof refusal, "INTAKE %s", state);
    return reply_with_error(context, refusal);
}

/* Keep a poll unless a newer one is known, for of two workers one may know less; answer the revision that holds. */
static int set_poll(Context *context, String **arguments, int count)
{
    Poll told = {0}, held;
    char line[LONGEST_POLL + 1];
    if (count != 5)
        return wrong_arity(context);
    told.open = is(arguments[3], "open");
    if (to_number(arguments[1], &told.revision) || to_number(arguments[2], &told.number)
        || to_number(arguments[4], &told.closes) || (!told.open && !is(arguments[3], "closed")))
        return reply_with_error(context, "ERR that is no poll");
    held = read_poll(context);
    if (told.revision < held.revision || memcmp(&told, &held, sizeof told) == 0)
        return reply_with_number(context, held.revision);
    snprintf(line, sizeof line, "%lld %lld %s %lld", told.revision, told.number, told.open ? "open" : "closed",
             told.closes);
    Reply *reply = call(context, "SET", "!cc", "votes:poll", line);
    if (reply == NULL || type_of(reply) == ERROR) {
        if (reply != NULL)
            free_reply(reply);
        return reply_with_error(context, "ERR the poll cannot be kept");
    }
    free_reply(reply);
    return reply_with_number(context, told.revision);
}

/* Answer the intake's word, the poll's revision and number, whether it is over, its end, and the time. */
static int tell_state(Context *context, String **arguments, int count)
{
    char state[LONGEST_STATE + 1];
    Poll poll = read_poll(context);
    (void)arguments;
    if (count != 1)
        return wrong_arity(context);
    read_intake(context, state);
    reply_with_array(context, 6);
    reply_with_text(context, state, strlen(state));
    reply_with_number(context, poll.revision);
    reply_with_number(context, poll.number);
    reply_with_number(context, is_over(poll));
    reply_with_number(context, poll.closes);
    return reply_with_number(context, milliseconds());
}

static int tell_fields(Context *context, String **arguments, int count)
{
    (void)arguments;
    if (count != 1)
        return wrong_arity(context);
    reply_with_array(context, TRAILING_COUNT);
    for (int place = 0; place < TRAILING_COUNT; place++)
        reply_with_text(context, TRAILING[place], strlen(TRAILING[place]));
    return 0;
}

static int set_priority(Context *context, const char *priority)
{
    Reply *reply = call(context, "CONFIG", "ccc", "SET", "replica-priority", priority);
    int failed = reply == NULL || type_of(reply) == ERROR;
    if (reply != NULL)
        free_reply(reply);
    return failed;
}

static unsigned long long preference;

static void end_preference(Context *context, void *data)
{
    (void)data;
    preference = 0;
    set_priority(context, USUAL);
}

/* It ends by itself, whatever becomes of who asked for it: later failovers know no preference. */
static int prefer(Context *context, String **arguments, int count)
{
    long long duration;
    if (count != 2)
        return wrong_arity(context);
    if (to_number(arguments[1], &duration) || duration < 1 || duration > LONGEST_PREFERENCE)
        return reply_with_error(context, "ERR that is no time");
    if (set_priority(context, PREFERRED))
        return reply_with_error(context, "ERR it cannot be preferred");
    if (preference)
        stop_timer(context, preference, NULL);
    preference = start_timer(context, duration, end_preference, NULL);
    return reply_with_number(context, duration);
}

int RedisModule_OnLoad(Context *context, String **arguments, int count)
{
    (void)arguments;
    (void)count;
    int (*find)(const char *, void *) = *(int (**)(const char *, void *))context;
    if (find("RedisModule_CreateCommand", &create_command) || find("RedisModule_ReplyWithCallReply", &reply_with)
        || find("RedisModule_ReplyWithError", &reply_with_error) || find("RedisModule_WrongArity", &wrong_arity)
        || find("RedisModule_Call", &call) || find("RedisModule_StringPtrLen", &text_of)
        || find("RedisModule_CallReplyType", &type_of) || find("RedisModule_CallReplyStringPtr", &string_of)
        || find("RedisModule_FreeCallReply", &free_reply) || find("RedisModule_SetModuleAttribs", &set_attributes)
        || find("RedisModule_Milliseconds", &milliseconds) || find("RedisModule_StringToLongLong", &to_number)
        || find("RedisModule_ReplyWithArray", &reply_with_array)
        || find("RedisModule_ReplyWithLongLong", &reply_with_number)
        || find("RedisModule_ReplyWithStringBuffer", &reply_with_text)
        || find("RedisModule_CreateTimer", &start_timer) || find("RedisModule_StopTimer", &stop_timer))
        return FAILED;
    set_attributes(context, "votes", VERSION, API_VERSION);
    return create_command(context, "votes.append", append, "write deny-oom fast", 1, 1, 1)
        || create_command(context, "votes.replay", add, "write deny-oom fast", 1, 1, 1)
        || create_command(context, "votes.poll", set_poll, "write fast", 0, 0, 0)
        || create_command(context, "votes.state", tell_state, "readonly fast", 0, 0, 0)
        || create_command(context, "votes.fields", tell_fields, "readonly fast", 0, 0, 0)
        || create_command(context, "votes.prefer", prefer, "admin fast", 0, 0, 0);
}
