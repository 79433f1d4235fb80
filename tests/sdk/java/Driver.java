import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.github.centrifugal.centrifuge.*;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * The unmodified Java SDK, told what to do by JSON lines on stdin; events and answers are JSON lines on stdout, in the
 * words of the JavaScript SDK. It speaks Protobuf, and nothing else.
 */
public class Driver {
  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().serializeNulls().create();
  private static final PrintStream OUT = new PrintStream(System.out, true, UTF_8);
  private static Client client;
  private static int asked;

  public static void main(String[] arguments) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    for (String line; (line = lines.readLine()) != null; ) {
      JsonObject command = JsonParser.parseString(line).getAsJsonObject();
      JsonObject answer = new JsonObject();
      answer.add("id", command.get("id"));
      try {
        answer.add("result", perform(command));
      } catch (ExecutionException failed) {
        answer.add("error", failure(failed.getCause()));
      } catch (Exception failed) {
        answer.add("error", failure(failed));
      }
      say("answer", answer);
    }
    System.exit(0);
  }

  private static synchronized void say(String event, JsonObject told) {
    told.addProperty("event", event);
    OUT.println(GSON.toJson(told));
  }

  private static JsonElement perform(JsonObject command) throws Exception {
    String channel = text(command, "channel");
    switch (text(command, "action")) {
      case "connect":
        connect(command);
        return new JsonObject();
      case "subscribe":
        subscribe(channel, command.getAsJsonObject("options"));
        return new JsonObject();
      case "unsubscribe":
        client.getSubscription(channel).unsubscribe();
        return new JsonObject();
      case "publish":
        Driver.<PublishResult>done(callback -> client.publish(channel, bytes(command), callback));
        return new JsonObject();
      case "history":
        int limit = command.getAsJsonObject("options").get("limit").getAsInt();
        HistoryOptions options = new HistoryOptions.Builder().withLimit(limit).build();
        return history(done(callback -> client.history(channel, options, callback)));
      case "presence":
        return presence(done(callback -> client.presence(channel, callback)));
      case "presenceStats":
        PresenceStatsResult counted = done(callback -> client.presenceStats(channel, callback));
        JsonObject counts = new JsonObject();
        counts.addProperty("numClients", counted.getNumClients());
        counts.addProperty("numUsers", counted.getNumUsers());
        return counts;
      case "rpc":
        RPCResult answered = done(callback -> client.rpc(text(command, "method"), bytes(command), callback));
        JsonObject said = new JsonObject();
        said.add("data", payload(answered.getData()));
        return said;
      case "disconnect":
        client.disconnect();
        return new JsonObject();
      default:
        throw new IllegalArgumentException("no such action");
    }
  }

  private interface Question<T> {
    void ask(ResultCallback<T> callback);
  }

  private static <T> T done(Question<T> question) throws Exception {
    CompletableFuture<T> future = new CompletableFuture<>();
    question.ask((error, result) -> {
      if (error != null) future.completeExceptionally(error);
      else future.complete(result);
    });
    return future.get(20, TimeUnit.SECONDS);
  }

  private static void connect(JsonObject command) {
    Options options = new Options();
    if (!text(command, "token").isEmpty()) options.setToken(text(command, "token"));
    if (has(command, "tokens")) {
      Queue<String> tokens = tokens(command);
      options.setTokenGetter(new ConnectionTokenGetter() {
        @Override
        public void getConnectionToken(ConnectionTokenEvent event, TokenCallback callback) {
          hand(tokens, callback);
        }
      });
    }
    client = new Client(text(command, "url"), options, new Events());
    client.connect();
  }

  private static void subscribe(String channel, JsonObject given) throws Exception {
    Subscription known = client.getSubscription(channel);
    if (known == null) {
      SubscriptionOptions options = new SubscriptionOptions();
      options.setJoinLeave(given != null && has(given, "joinLeave") && given.get("joinLeave").getAsBoolean());
      if (given != null && has(given, "tokens")) {
        Queue<String> tokens = tokens(given);
        options.setTokenGetter(new SubscriptionTokenGetter() {
          @Override
          public void getSubscriptionToken(SubscriptionTokenEvent event, TokenCallback callback) {
            hand(tokens, callback);
          }
        });
      }
      known = client.newSubscription(channel, options, new SubscriptionEvents());
    }
    known.subscribe();
  }

  /** Tokens are handed out one by one; when none is left the SDK is told that the user is unknown. */
  private static void hand(Queue<String> tokens, TokenCallback callback) {
    JsonObject told = new JsonObject();
    told.addProperty("times", ++asked);
    say("token asked", told);
    String token = tokens.poll();
    if (token == null) callback.Done(new UnauthorizedException(), "");
    else callback.Done(null, token);
  }

  private static class Events extends EventListener {
    @Override
    public void onConnecting(Client client, ConnectingEvent event) {
      say("connecting", ended("", event.getCode(), event.getReason()));
    }

    @Override
    public void onConnected(Client client, ConnectedEvent event) {
      JsonObject told = new JsonObject();
      told.addProperty("client", event.getClient());
      say("connected", told);
    }

    @Override
    public void onDisconnected(Client client, DisconnectedEvent event) {
      say("disconnected", ended("", event.getCode(), event.getReason()));
    }

    @Override
    public void onError(Client client, ErrorEvent event) {
      say("error", failure(event.getError()));
    }

    @Override
    public void onSubscribed(Client client, ServerSubscribedEvent event) {
      JsonObject told = in(event.getChannel());
      told.addProperty("server", true);
      told.addProperty("recovered", event.getRecovered());
      say("subscribed", told);
    }

    @Override
    public void onUnsubscribed(Client client, ServerUnsubscribedEvent event) {
      JsonObject told = in(event.getChannel());
      told.addProperty("server", true);
      say("unsubscribed", told);
    }

    @Override
    public void onPublication(Client client, ServerPublicationEvent event) {
      JsonObject told = in(event.getChannel());
      told.addProperty("server", true);
      told.add("data", payload(event.getData()));
      told.addProperty("offset", event.getOffset());
      say("publication", told);
    }
  }

  private static class SubscriptionEvents extends SubscriptionEventListener {
    @Override
    public void onSubscribing(Subscription subscription, SubscribingEvent event) {
      say("subscribing", ended(subscription.getChannel(), event.getCode(), event.getReason()));
    }

    @Override
    public void onSubscribed(Subscription subscription, SubscribedEvent event) {
      JsonObject told = in(subscription.getChannel());
      told.addProperty("recovered", event.getRecovered());
      told.addProperty("wasRecovering", event.wasRecovering());
      told.addProperty("recoverable", event.getRecoverable());
      told.addProperty("positioned", event.getPositioned());
      told.add("streamPosition", position(event.getStreamPosition()));
      say("subscribed", told);
    }

    @Override
    public void onUnsubscribed(Subscription subscription, UnsubscribedEvent event) {
      say("unsubscribed", ended(subscription.getChannel(), event.getCode(), event.getReason()));
    }

    @Override
    public void onError(Subscription subscription, SubscriptionErrorEvent event) {
      JsonObject told = failure(event.getError());
      told.addProperty("channel", subscription.getChannel());
      say("error", told);
    }

    @Override
    public void onPublication(Subscription subscription, PublicationEvent event) {
      JsonObject told = in(subscription.getChannel());
      told.add("data", payload(event.getData()));
      told.addProperty("offset", event.getOffset());
      told.add("tags", GSON.toJsonTree(event.getTags()));
      say("publication", told);
    }

    @Override
    public void onJoin(Subscription subscription, JoinEvent event) {
      JsonObject told = in(subscription.getChannel());
      told.add("info", info(event.getInfo()));
      say("join", told);
    }

    @Override
    public void onLeave(Subscription subscription, LeaveEvent event) {
      JsonObject told = in(subscription.getChannel());
      told.add("info", info(event.getInfo()));
      say("leave", told);
    }
  }

  private static JsonObject history(HistoryResult found) {
    JsonArray publications = new JsonArray();
    for (Publication each : found.getPublications()) {
      JsonObject told = new JsonObject();
      told.add("data", payload(each.getData()));
      told.addProperty("offset", each.getOffset());
      publications.add(told);
    }
    JsonObject told = new JsonObject();
    told.add("publications", publications);
    told.addProperty("offset", found.getOffset());
    told.addProperty("epoch", found.getEpoch());
    return told;
  }

  private static JsonObject presence(PresenceResult found) {
    JsonObject clients = new JsonObject();
    for (Map.Entry<String, ClientInfo> each : found.getClients().entrySet()) {
      clients.add(each.getKey(), info(each.getValue()));
    }
    JsonObject told = new JsonObject();
    told.add("clients", clients);
    return told;
  }

  private static JsonObject info(ClientInfo found) {
    JsonObject told = new JsonObject();
    told.addProperty("client", found.getClient());
    told.addProperty("user", found.getUser());
    if (payload(found.getConnInfo()) != JsonNull.INSTANCE) told.add("connInfo", payload(found.getConnInfo()));
    if (payload(found.getChanInfo()) != JsonNull.INSTANCE) told.add("chanInfo", payload(found.getChanInfo()));
    return told;
  }

  /** The SDK shows a position to nobody but itself. */
  private static JsonElement position(StreamPosition found) {
    if (found == null) return JsonNull.INSTANCE;
    JsonObject told = new JsonObject();
    told.add("offset", GSON.toJsonTree(hidden(found, "getOffset")));
    told.add("epoch", GSON.toJsonTree(hidden(found, "getEpoch")));
    return told;
  }

  private static Object hidden(StreamPosition found, String name) {
    try {
      Method method = StreamPosition.class.getDeclaredMethod(name);
      method.setAccessible(true);
      return method.invoke(found);
    } catch (ReflectiveOperationException changed) {
      throw new IllegalStateException(changed);
    }
  }

  private static JsonObject failure(Throwable error) {
    JsonObject told = new JsonObject();
    Throwable cause = error;
    while (cause.getCause() != null && !(cause instanceof ReplyError)) cause = cause.getCause();
    told.addProperty("code", cause instanceof ReplyError ? ((ReplyError) cause).getCode() : 0);
    told.addProperty("message", String.valueOf(cause.getMessage()));
    return told;
  }

  private static JsonObject in(String channel) {
    JsonObject told = new JsonObject();
    told.addProperty("channel", channel);
    return told;
  }

  private static JsonObject ended(String channel, int code, String reason) {
    JsonObject told = channel.isEmpty() ? new JsonObject() : in(channel);
    told.addProperty("code", code);
    told.addProperty("reason", reason);
    return told;
  }

  private static JsonElement payload(byte[] data) {
    return data == null || data.length == 0 ? JsonNull.INSTANCE : JsonParser.parseString(new String(data, UTF_8));
  }

  private static byte[] bytes(JsonObject command) {
    return GSON.toJson(command.get("data")).getBytes(UTF_8);
  }

  private static boolean has(JsonObject command, String name) {
    return command.has(name) && !command.get(name).isJsonNull();
  }

  private static String text(JsonObject command, String name) {
    return has(command, name) ? command.get(name).getAsString() : "";
  }

  private static Queue<String> tokens(JsonObject command) {
    Queue<String> tokens = new ArrayDeque<>();
    for (JsonElement each : command.getAsJsonArray("tokens")) tokens.add(each.getAsString());
    return tokens;
  }
}
