// LeaseStore and the source's identity on PostgreSQL: who owns a table, and whether it is still the same table.
#include <array>
#include <random>

#include "relay/pg/session.h"
#include "relay/pg/store.h"

namespace relay::pg {
namespace {

using core::Epoch;
using core::LeaseView;

// A version 4 uuid (RFC 9562).
std::string random_uuid() {
  std::random_device device;
  std::array<unsigned char, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size(); i += 4) {
    const unsigned int word = device();
    for (std::size_t k = 0; k < 4; ++k) bytes[i + k] = static_cast<unsigned char>(word >> (8 * k));
  }
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes[i] >> 4U];
    text += kDigits[bytes[i] & 0x0FU];
  }
  return text;
}

class PgLease final : public core::LeaseStore {
 public:
  explicit PgLease(const StoreOptions& options)
      : owner_(random_uuid()),
        table_name_(options.table),
        bucket_(options.bucket),
        connection_(make_session(options, "lease", [this](Connection& connection) { prepare(connection); })) {}

  [[nodiscard]] std::string owner() const override { return owner_; }

  LeaseView look() override {
    const Result found = connection_.run("look", row());
    LeaseView view;
    if (found.rows() == 0) return view;  // somebody deleted it; take() will miss and the next connection makes it anew
    if (!found.is_null(0, 0)) view.owner = found.value(0, 0);
    view.epoch = Epoch(found.integer(0, 1));
    view.beat = found.integer(0, 2);
    return view;
  }

  std::optional<Epoch> take(const LeaseView& seen) override {
    Params params = row();
    params.add_text(owner_);
    if (seen.owner.empty()) {
      params.add_null();
    } else {
      params.add_text(seen.owner);
    }
    params.add_bigint(seen.epoch.value()).add_bigint(seen.beat);
    const Result taken = connection_.run("take", params);
    if (taken.rows() == 0) return std::nullopt;
    return Epoch(taken.integer(0, 0));
  }

  bool renew(Epoch epoch) override { return connection_.run("renew", guarded(epoch)).affected() == 1; }

  void release(Epoch epoch) override { connection_.run("release", guarded(epoch)); }

 private:
  void prepare(Connection& connection) {
    Params params = row();
    // An owner that believes in its lease must not lose it to a crash of the database.
    connection.execute("SET synchronous_commit = on");
    connection.query(
        "INSERT INTO public.outbox_lease (table_name, bucket) VALUES ($1::text, $2::integer) ON CONFLICT DO NOTHING",
        params);
    const std::string row = " WHERE table_name = $1::text AND bucket = $2::integer";
    const std::string mine = row + " AND owner = $3::text::uuid AND epoch = $4::bigint";
    connection.prepare("look", "SELECT owner::text, epoch, beat FROM public.outbox_lease" + row);
    connection.prepare("take", "UPDATE public.outbox_lease SET owner = $3::text::uuid, epoch = epoch + 1, beat = 0" +
                                   row +
                                   " AND owner IS NOT DISTINCT FROM $4::text::uuid AND epoch = $5::bigint "
                                   "AND beat = $6::bigint RETURNING epoch");
    connection.prepare("renew", "UPDATE public.outbox_lease SET beat = beat + 1" + mine);
    connection.prepare("release", "UPDATE public.outbox_lease SET owner = NULL" + mine);
  }

  [[nodiscard]] Params row() const {
    Params params;
    params.add_text(table_name_).add_int(bucket_);
    return params;
  }
  [[nodiscard]] Params guarded(Epoch epoch) const {
    Params params = row();
    params.add_text(owner_).add_bigint(epoch.value());
    return params;
  }

  std::string owner_;
  std::string table_name_;
  std::int32_t bucket_;
  Connection connection_;
};

SourceIdentity read_identity(Connection& connection, const std::string& table) {
  // The timeline is the first eight digits of a WAL file's name; the control file's lags behind a promotion.
  const Result found = connection.query(
      "SELECT (pg_control_system()).system_identifier, "
      "('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer, "
      "$1::text::regclass::oid::bigint",
      Params().add_text(table));
  return {.system_identifier = found.integer(0, 0),
          .timeline = static_cast<std::int32_t>(found.integer(0, 1)),
          .table_oid = static_cast<std::uint32_t>(found.integer(0, 2))};
}

Params identity_params(const std::string& name, const std::string& table_name, const SourceIdentity& identity) {
  Params params;
  params.add_text(name).add_text(table_name).add_bigint(identity.system_identifier).add_int(identity.timeline);
  params.add_bigint(identity.table_oid);
  return params;
}

}  // namespace

std::unique_ptr<core::LeaseStore> make_lease_store(const StoreOptions& options) {
  return std::make_unique<PgLease>(options);
}

SourceRegistration register_source(const StoreOptions& options, const std::string& source_name) {
  Connection connection = make_session(options, "register", nullptr);
  connection.connect();
  SourceRegistration registration{.now = read_identity(connection, quoted_table(options.table)),
                                  .changed_from = std::nullopt};
  connection.query(
      "INSERT INTO public.outbox_source (name, table_name, system_identifier, timeline, table_oid) "
      "VALUES ($1::text, $2::text, $3::bigint, $4::integer, $5::bigint::oid) ON CONFLICT (name) DO NOTHING",
      identity_params(source_name, options.table, registration.now));
  const Result kept = connection.query(
      "SELECT system_identifier, timeline, table_oid::bigint FROM public.outbox_source WHERE name = $1::text",
      Params().add_text(source_name));
  if (kept.rows() == 0) return registration;  // deleted between the two: registered at the next start
  const SourceIdentity before{.system_identifier = kept.integer(0, 0),
                              .timeline = static_cast<std::int32_t>(kept.integer(0, 1)),
                              .table_oid = static_cast<std::uint32_t>(kept.integer(0, 2))};
  if (before != registration.now) registration.changed_from = before;
  return registration;
}

void accept_source(const StoreOptions& options, const std::string& source_name) {
  Connection connection = make_session(options, "register", nullptr);
  connection.connect();
  connection.query(
      "INSERT INTO public.outbox_source (name, table_name, system_identifier, timeline, table_oid) "
      "VALUES ($1::text, $2::text, $3::bigint, $4::integer, $5::bigint::oid) ON CONFLICT (name) DO UPDATE SET "
      "table_name = excluded.table_name, system_identifier = excluded.system_identifier, "
      "timeline = excluded.timeline, table_oid = excluded.table_oid, accepted_at = clock_timestamp()",
      identity_params(source_name, options.table, read_identity(connection, quoted_table(options.table))));
}

}  // namespace relay::pg
